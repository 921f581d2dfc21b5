import { systemClock } from '#shared/clock.ts';
import { formatMoney, type Money } from '#services/money.ts';
import type { ApiAnswer, Api } from './api.ts';
import type { Colour, Terminal } from './terminal.ts';
import { Trouble } from '#local/stack/trouble.ts';

interface Timeline {
  readonly state: string;
  readonly failure?: { readonly reason: string; readonly step: string };
  readonly milestones: readonly { readonly number: number; readonly title: string; readonly at: string }[];
  readonly steps: readonly {
    readonly number?: number;
    readonly title: string;
    readonly state: string;
    readonly answeredAt?: string;
  }[];
  readonly compensations: readonly { readonly step: string; readonly message: string; readonly state: string }[];
  readonly waitingFor?: {
    readonly step: string;
    readonly message: string;
    readonly attempt: number;
    readonly maxAttempts?: number;
    readonly nextTryAt?: string;
    readonly reason?: string;
  };
}

interface Placed {
  readonly id: string;
  readonly total: Money;
}

export interface OrderRequest {
  readonly customer: string;
  readonly sku: string;
  readonly quantity: number;
  readonly method: string;
}

/** Where the order is shown; what it waits for is not shown where nothing holds it. */
export type Watching = Pick<Terminal, 'say'> & Partial<Terminal> & { readonly limitMs?: number };

const ENDS: Readonly<Record<string, Colour>> = { completed: 'green', failed: 'red', cancelled: 'yellow' };
const PATIENT_MS = 2000;
const POLL_MS = 20;
const SLOW_POLL_MS = 250;
const UNAVAILABLE_MS = 15_000;

/** Places an order over HTTP and prints its steps as they happen, for `limitMs` at most. Resolves with the state in which it ended, or is. */
export async function placeAndFollow(api: Api, order: OrderRequest, watching: Watching): Promise<string> {
  const { customer, sku, quantity, method } = order;
  const startedAt = systemClock.now();
  const body = {
    customerId: customer,
    email: `${customer.replaceAll(/[^A-Za-z0-9.+-]/g, '-')}@example.com`,
    items: [{ sku, quantity }],
    paymentMethod: method,
  };
  const key = { 'idempotency-key': systemClock.id() };
  const answer = await answered(() => api.post<Placed>('/v1/orders', body, key));
  if (answer.status !== 202)
    throw new Trouble(`the order was not accepted: ${answer.status} ${JSON.stringify(answer.body)}`);
  const { id, total } = answer.body;
  watching.say(`Order ${id}: ${quantity} x ${sku}, ${formatMoney(total)}, for ${customer}, paid with ${method}`);
  return follow(api, id, startedAt, watching);
}

async function follow(
  api: Api,
  orderId: string,
  startedAt: number,
  { say, hold, limitMs = Number.POSITIVE_INFINITY }: Watching,
): Promise<string> {
  const shown = new Set<string>();
  const once = (id: string, text: string, colour?: Colour): void => {
    if (!shown.has(id)) say(text, colour);
    shown.add(id);
  };
  let quietMs = 0;
  for (let quietSince = systemClock.now(); ; await systemClock.sleep(quietMs > PATIENT_MS ? SLOW_POLL_MS : POLL_MS)) {
    const path = `/v1/orders/${encodeURIComponent(orderId)}/timeline`;
    const { status, body } = await answered(() => api.get<Timeline>(path));
    if (status !== 200) throw new Trouble(`${path} could not be read: ${status} ${JSON.stringify(body)}`);
    const before = shown.size;
    for (const { number, title, at } of inOrder(reachedIn(body), body.state)) {
      const afterMs = Math.max(0, Date.parse(at) - startedAt);
      once(`step ${title}`, `  ${String(number).padStart(2)}  ${title.padEnd(42)} +${afterMs} ms`);
    }
    if (body.failure) once('failure', `      turned back at ${body.failure.step}: ${body.failure.reason}`, 'red');
    for (const undo of body.compensations)
      once(`undo ${undo.step} ${undo.state}`, `      ${undo.step}: ${undo.message} ${undo.state}`, 'yellow');
    const { step, attempt = 0, maxAttempts, nextTryAt, reason } = body.waitingFor ?? {};
    if (maxAttempts !== undefined && nextTryAt !== undefined && reason?.startsWith('refused'))
      once(`try ${step} ${attempt}`, `      ${step} ${reason}, try ${attempt} of ${maxAttempts} follows`, 'yellow');
    const now = systemClock.now();
    if (isEnd(body.state)) {
      say(`Order ${body.state} after ${now - startedAt} ms.`, ENDS[body.state]);
      return body.state;
    }
    if (now > startedAt + limitMs) {
      say('Order still on its road; following it no longer.');
      return body.state;
    }
    if (shown.size > before) quietSince = now;
    quietMs = now - quietSince;
    if (quietMs > PATIENT_MS) hold?.(waiting(body), now - startedAt);
  }
}

function isEnd(state: string): boolean {
  return Object.hasOwn(ENDS, state);
}

interface Reached {
  readonly number: number | '+';
  readonly title: string;
  readonly at: string;
}

/** The thirteen steps as far as they were reached, and in their places those that have no number. */
function reachedIn({ milestones, steps }: Timeline): readonly Reached[] {
  const reached: Reached[] = [...milestones];
  for (const [index, { number, title, state, answeredAt: at }] of steps.entries()) {
    if (number !== undefined || state !== 'done' || at === undefined) continue;
    const next = steps.slice(index + 1).find((step) => step.number !== undefined)?.number ?? Number.POSITIVE_INFINITY;
    const before = reached.findIndex((one) => one.number !== '+' && one.number >= next);
    reached.splice(before === -1 ? reached.length : before, 0, { number: '+', title, at });
  }
  return reached;
}

/**
 * What may be printed: a step that the order itself has recorded is told to the saga only with its last answer, and the steps
 * after it are not printed until then, so that the numbers stand in their order.
 */
function inOrder(reached: readonly Reached[], state: string): readonly Reached[] {
  if (isEnd(state)) return reached;
  let next = 1;
  const gap = reached.findIndex(({ number }) => {
    if (number !== '+') next += 1;
    return number !== '+' && number !== next - 1;
  });
  return gap === -1 ? reached : reached.slice(0, gap);
}

/** Asks again while the API is away or cannot answer, for a while. */
async function answered<Body>(ask: () => Promise<ApiAnswer<Body>>): Promise<ApiAnswer<Body>> {
  const giveUpAt = systemClock.now() + UNAVAILABLE_MS;
  for (;;) {
    try {
      const answer = await ask();
      if (answer.status < 500 || systemClock.now() > giveUpAt) return answer;
    } catch (error) {
      if (systemClock.now() > giveUpAt) throw error;
    }
    await systemClock.sleep(300);
  }
}

function waiting({ state, waitingFor }: Timeline): string {
  if (!waitingFor) return state;
  const { step, message, attempt, reason } = waitingFor;
  const tries = attempt > 1 ? `, try ${attempt}` : '';
  return `${state}, waiting for the answer to ${message} (${step})${tries}${reason ? `: ${reason}` : ''}`;
}
