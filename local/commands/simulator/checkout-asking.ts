import type { PlannedCheckout } from './checkout-plan.ts';
import type { CheckoutDecision } from './checkout-verdict.ts';
import { type Patience, patienceOf } from './insisting.ts';
import type { Sending } from './open-loop.ts';
import type { ApiAnswer } from '#local/commands/api.ts';
import type { CheckoutView } from '#services/checkout/shapes.ts';

const LOOK_AGAIN_MS = 200;
/** Whoever insists looks for so long after what is not decided yet, and then asks again. */
const LOOK_MS = 5000;
/** A key that is in use is asked for again also by somebody who does not insist: its first request is our own. */
const IN_USE_TRIES = 10;

/** A problem of a checkout names it as well. */
type Answered = ApiAnswer<Partial<CheckoutView> | undefined>;

/** What one who wants to buy was told at last. */
export interface Told {
  readonly decision: CheckoutDecision;
  readonly answer: Answered | undefined;
}

export interface Asked extends Told {
  /** The checkouts that were given up, in the order of their keys. */
  readonly givenUp: readonly string[];
  /** What was told of one key and can not both be so. */
  readonly odd?: string;
}

/**
 * Buys once: sends the checkout, `copies` times at once, and insists. While it may have been taken it is asked for under the same key; only
 * when it was told that this checkout was given up, a new key is taken. Never rejects.
 */
export async function askFor({ n, body }: PlannedCheckout, copies: number, sending: Sending): Promise<Asked> {
  const patience = patienceOf(sending);
  const givenUp: string[] = [];
  for (let keys = 1; ; keys += 1) {
    const key = keys === 1 ? `${sending.run}-${n}` : `${sending.run}-${n}-${keys}`;
    const told = await Promise.all(Array.from({ length: copies }, () => underKey(key, body, sending, patience)));
    const last = told.find(isDecided) ?? told.find(({ decision }) => decision !== 'given_up') ?? told[0]!;
    const odd = contradiction(told);
    if (last.decision === 'given_up') givenUp.push(last.answer?.body?.checkoutId ?? '');
    const isOver = last.decision !== 'given_up' || odd !== undefined || !patience.isLeft();
    if (isOver || !(await patience.pause(last.answer))) return { ...last, givenUp, ...(odd !== undefined && { odd }) };
  }
}

export function isDecided({ decision }: Pick<Told, 'decision'>): boolean {
  return decision === 'approved' || decision === 'rejected';
}

/** Asks until it is certain what becomes of the checkout of this key, or the patience is over. */
async function underKey(key: string, body: object, sending: Sending, patience: Patience): Promise<Told> {
  const { api } = sending;
  const ask = () => api.post<CheckoutView | undefined>('/v1/checkouts', body, { 'idempotency-key': key });
  let mayBeTaken = false;
  for (let tries = 1; ; tries += 1) {
    const lookMs = patience.isLeft() ? LOOK_MS : sending.limitMs;
    const answer = await followed(await ask().catch(() => undefined), sending, lookMs);
    const decision = decisionOf(answer);
    mayBeTaken ||= decision === 'unanswered' || decision === 'open';
    const isSettled = decision !== 'refused' && decision !== 'unanswered' && decision !== 'open';
    const mayAsk = patience.isLeft() || (answer?.status === 409 && tries <= IN_USE_TRIES);
    // A refusal speaks of this try alone.
    if (isSettled || !mayAsk || !(await patience.pause(answer)))
      return { decision: decision === 'refused' && mayBeTaken ? 'unanswered' : decision, answer };
  }
}

/** Looks until it is decided, for so long; a stack that is away for a while is asked again. */
async function followed(
  first: Answered | undefined,
  { api, clock, signal }: Sending,
  lookMs: number,
): Promise<Answered | undefined> {
  const giveUpAt = clock.now() + lookMs;
  let last = first;
  const where = first?.status === 202 ? first.body?.checkoutId : undefined;
  while (where !== undefined && last?.body?.status === 'pending' && clock.now() < giveUpAt && !signal.aborted) {
    await clock.sleep(LOOK_AGAIN_MS, signal).catch(() => {});
    const asked = await api.get<CheckoutView>(`/v1/checkouts/${encodeURIComponent(where)}`).catch(() => undefined);
    if (asked?.status === 200) last = asked;
  }
  return last;
}

function decisionOf(answer: Answered | undefined): CheckoutDecision {
  if (answer === undefined) return 'unanswered';
  const { status, body } = answer;
  switch (status) {
    case 409:
    case 504:
      return 'unanswered';
    case 429:
      return 'refused';
    case 503:
      // Of a checkout that was taken it says so; every other one says that this try was not.
      return body?.checkoutId === undefined ? 'refused' : 'given_up';
    case 200:
    case 201:
    case 202:
      if (body?.status === 'failed') return 'given_up';
      return body?.status === undefined || body.status === 'pending' ? 'open' : body.status;
    default:
      return 'invalid';
  }
}

function contradiction(told: readonly Told[]): string | undefined {
  const of = told.filter((one) => isDecided(one) || one.decision === 'given_up');
  const [ids, ends] = [
    [...new Set(of.map(({ answer }) => answer?.body?.checkoutId))],
    [...new Set(of.map(({ decision }) => decision))],
  ];
  if (ids.length > 1) return `one Idempotency-Key made two checkouts, ${ids.join(' and ')}`;
  return ends.length > 1 ? `of one checkout it was told that it is ${ends.join(' and ')}` : undefined;
}
