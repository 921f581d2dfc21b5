import { fund } from './fund.ts';
import type { CheckoutPlan, PlannedCheckout } from './checkout-plan.ts';
import type { CheckoutRow } from './checkout-verdict.ts';
import { fundedFor } from './plan.ts';
import { type End, ENDS, type SimulationProgress } from './result.ts';
import { waitMs } from './retry-after.ts';
import { stockShelves } from './shelves.ts';
import { createWatch } from './watch.ts';
import type { Api, ApiAnswer } from '#local/commands/api.ts';
import type { CheckoutView } from '#services/checkout/shapes.ts';
import { systemClock, type Clock } from '#shared/clock.ts';

export interface SimulateCheckouts {
  readonly api: Api;
  readonly plan: CheckoutPlan;
  readonly clock?: Clock;
  /** Begins the Idempotency-Keys; another one for each run. */
  readonly run?: string;
  /** Ends everything as soon as what is under way was answered. */
  readonly signal?: AbortSignal;
  /** Sends nothing more; what was sent is waited for. */
  readonly enough?: AbortSignal;
  readonly limitMs?: number;
  readonly onProgress?: (progress: SimulationProgress) => void;
}

const ASK_AGAIN_MS = 200;
const IN_USE_TRIES = 10;
type Answered = ApiAnswer<CheckoutView | undefined>;

/**
 * Fills shelves and wallets, sends the checkouts of the plan at their times, waits until each is decided and until each order behind an
 * approval has ended. Throws `Trouble` only when shelves or wallets can not be filled.
 */
export async function simulateCheckouts(options: SimulateCheckouts): Promise<readonly CheckoutRow[]> {
  const { api, plan, clock = systemClock, limitMs = 180_000, onProgress = () => {} } = options;
  const { run = clock.id(), signal = new AbortController().signal, enough = signal } = options;
  const rows = new Map<number, CheckoutRow>();
  const numbers = new Map<string, number>();
  const counts = { sent: 0, accepted: 0, notAccepted: 0, ended: 0, outstanding: 0, lateMs: 0 };
  let startedAt = clock.now();
  const tell = (phase: SimulationProgress['phase']): void =>
    onProgress({ phase, elapsedMs: clock.now() - startedAt, planned: plan.checkouts.length, ...counts });

  const watch = createWatch({
    api,
    clock,
    onSeen({ id, status, failure }) {
      const n = numbers.get(id)!;
      if (!(ENDS as readonly string[]).includes(status)) return false;
      rows.set(n, { ...rows.get(n)!, order: status as End, ...(failure && { orderReason: failure.reason }) });
      counts.ended += 1;
      return true;
    },
  });

  /** Of two that are sent at once under one key, one is told that the other is running: it asks again for the same answer. */
  async function post(one: PlannedCheckout): Promise<Answered | undefined> {
    const key = { 'idempotency-key': `${run}-${one.n}` };
    for (let tries = 1; ; tries += 1) {
      const answer = await api.post<CheckoutView | undefined>('/v1/checkouts', one.body, key).catch(() => undefined);
      if (answer?.status !== 409 || tries > IN_USE_TRIES || signal.aborted) return answer;
      await clock.sleep(waitMs(answer), signal).catch(() => {});
    }
  }

  /** Asks until it is decided; a stack that is away for a while is asked again. */
  async function followed(first: Answered | undefined, giveUpAt: number): Promise<Answered | undefined> {
    let last = first;
    const where = first?.status === 202 ? first.body?.checkoutId : undefined;
    while (where !== undefined && last?.body?.status === 'pending' && clock.now() < giveUpAt && !signal.aborted) {
      await clock.sleep(ASK_AGAIN_MS, signal).catch(() => {});
      const asked = await api.get<CheckoutView>(`/v1/checkouts/${encodeURIComponent(where)}`).catch(() => undefined);
      if (asked?.status === 200) last = asked;
    }
    return last;
  }

  async function checkOut(one: PlannedCheckout): Promise<void> {
    const { n, kind } = one;
    const dueAt = startedAt + one.dueMs;
    counts.sent += 1;
    const [first, second] = await Promise.all([post(one), kind === 'approved_twice' ? post(one) : undefined]);
    const giveUpAt = clock.now() + limitMs;
    const answer = await followed(first, giveUpAt);
    const decision = decisionOf(answer);
    const { checkoutId, reason, suggestions = [] } = answer?.body ?? {};
    const again = second?.body?.checkoutId;
    const odd =
      again !== undefined && checkoutId !== undefined && again !== checkoutId
        ? `one Idempotency-Key made two checkouts, ${checkoutId} and ${again}`
        : await oddityOf(decision, checkoutId, suggestions.length);
    if (decision === 'approved' || decision === 'rejected') counts.accepted += 1;
    else counts.notAccepted += 1;
    rows.set(n, {
      n,
      kind,
      dueAt,
      decision,
      ...(answer && { httpStatus: answer.status }),
      ...(checkoutId !== undefined && { checkoutId }),
      ...((decision === 'approved' || decision === 'rejected') && { decidedAt: clock.now() }),
      ...(decision === 'rejected' && { event: reason?.event ?? '-', code: reason?.code ?? '-' }),
      ...(odd !== undefined && { odd }),
    });
    if (decision === 'rejected') counts.ended += 1;
    if (decision !== 'approved' || checkoutId === undefined) return;
    numbers.set(checkoutId, n);
    watch.add(checkoutId);
  }

  async function oddityOf(decision: string, checkoutId = '', suggested = 0): Promise<string | undefined> {
    if (decision === 'approved') return suggested > 0 ? undefined : 'approved, and nothing was suggested';
    if (decision !== 'rejected') return undefined;
    const order = await api.get(`/v1/orders/${encodeURIComponent(checkoutId)}`).catch(() => undefined);
    if (order?.status === 200) return 'rejected, and there is an order of its id';
    return suggested > 0 ? 'rejected, and something was suggested' : undefined;
  }

  tell('funding');
  const watchingEnds = new AbortController();
  const prices = await stockShelves({ api, clock, run }, plan.orders.goods);
  await fund({ api, clock, run }, fundedFor(prices, plan.orders));
  startedAt = clock.now();
  const watching = watch.run(AbortSignal.any([signal, watchingEnds.signal]));
  try {
    const placingEnds = AbortSignal.any([signal, enough]);
    const all: Promise<void>[] = [];
    for (const one of plan.checkouts) {
      const earlyMs = startedAt + one.dueMs - clock.now();
      if (earlyMs > 0) await clock.sleep(earlyMs, placingEnds).catch(() => {});
      if (placingEnds.aborted) break;
      all.push(checkOut(one));
      tell('placing');
    }
    await Promise.all(all);
    const giveUpAt = clock.now() + limitMs;
    while (watch.open > 0 && clock.now() < giveUpAt && !signal.aborted) {
      tell('waiting');
      await clock.sleep(ASK_AGAIN_MS, signal).catch(() => {});
    }
    tell('over');
    return [...rows.values()].toSorted((a, b) => a.n - b.n);
  } finally {
    watchingEnds.abort();
    await watching;
  }
}

function decisionOf(answer: Answered | undefined): CheckoutRow['decision'] {
  if (answer === undefined) return 'unanswered';
  const { status, body } = answer;
  switch (status) {
    case 429:
      return 'refused';
    case 503:
    case 504:
      return 'given_up';
    case 200:
    case 201:
    case 202:
      if (body?.status === 'failed') return 'given_up';
      return body === undefined || body.status === 'pending' ? 'open' : body.status;
    default:
      return 'invalid';
  }
}
