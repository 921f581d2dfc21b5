import { fund } from './fund.ts';
import { fundedFor, type Plan, type PlannedOrder } from './plan.ts';
import { stockShelves } from './shelves.ts';
import { type End, ENDS, type SimulationProgress, type OrderResult, type OrderRow } from './result.ts';
import { createSender, type Retry } from './send.ts';
import { createWatch } from './watch.ts';
import type { Api } from '#local/commands/api.ts';
import { systemClock, type Clock } from '#shared/clock.ts';

export interface SimulateOptions {
  readonly api: Api;
  readonly plan: Plan;
  /** Ends everything as soon as the requests that are under way were answered: what was accepted and has not ended stays `open`. */
  readonly signal?: AbortSignal;
  /** Places nothing more; what was accepted is waited for. */
  readonly enough?: AbortSignal;
  /** Several times a second, and once at the end. */
  readonly onProgress?: (progress: SimulationProgress) => void;
  readonly onAccepted?: (orderId: string) => void;
  readonly retry?: Retry;
  /** So long a customer who was not told for certain asks again, ms; by default not at all. */
  readonly insistMs?: number;
  /** So many requests may be without an answer; beyond that the sending falls behind, which the result tells. */
  readonly maxOutstanding?: number;
  /** How long to wait, after the last order was answered, for those that have not ended. */
  readonly limitMs?: number;
  /** Begins the Idempotency-Keys; another one for each run. */
  readonly run?: string;
  readonly clock?: Clock;
}

const PROGRESS_MS = 200;
/** Timers and a busy machine are this imprecise without anybody being behind. */
const LATE_MS = 250;

/**
 * Fills the shelves and the wallets, sends the orders of the plan at their times whatever became of those before (an open loop), and waits
 * until each accepted one has ended. Resolves with what became of each; throws `Trouble` only when the shelves or the wallets can not be filled.
 */
export async function simulate(options: SimulateOptions): Promise<OrderResult> {
  const { api, plan, clock = systemClock, retry = 'never', maxOutstanding = 200, limitMs = 180_000 } = options;
  const { insistMs = 0 } = options;
  const { run = clock.id(), signal = new AbortController().signal, enough = signal } = options;
  const placingEnds = AbortSignal.any([signal, enough]);
  const rows = new Map<number, OrderRow>();
  const numberOf = new Map<string, number>();
  const late = { count: 0, maxMs: 0 };
  const counts = { sent: 0, accepted: 0, notAccepted: 0, ended: 0, outstanding: 0, lateMs: 0 };
  let phase: SimulationProgress['phase'] = 'funding';
  let startedAt = clock.now();
  let slot: (() => void) | undefined;

  const sender = createSender({ api, clock, retry, insistMs, run, signal });
  const watch = createWatch({
    api,
    clock,
    onSeen({ id, status, updatedAt, failure }) {
      const row = rows.get(numberOf.get(id)!)!;
      const seen = row.seen.at(-1) === status ? row.seen : [...row.seen, status];
      const isEnd = (ENDS as readonly string[]).includes(status);
      const end = {
        outcome: status as End,
        endedAt: Date.parse(updatedAt),
        ...(failure && { reason: failure.reason }),
      };
      rows.set(row.n, { ...row, seen, ...(isEnd && end) });
      if (isEnd) counts.ended += 1;
      return isEnd;
    },
  });

  placingEnds.addEventListener('abort', () => slot?.());

  const tell = (): void => {
    const elapsedMs = clock.now() - startedAt;
    options.onProgress?.({ phase, elapsedMs, planned: plan.orders.length, ...counts });
  };
  let cancelTelling = clock.after(0, function again() {
    tell();
    cancelTelling = clock.after(PROGRESS_MS, again);
  });
  const watchingEnds = new AbortController();
  const watching = watch.run(AbortSignal.any([signal, watchingEnds.signal]));
  try {
    const prices = await stockShelves({ api, clock, run }, plan.goods);
    await fund({ api, clock, run }, fundedFor(prices, plan));
    startedAt = clock.now();
    phase = 'placing';
    await placeAll();
    const placedAt = clock.now();
    phase = 'waiting';
    while (watch.open > 0 && clock.now() < placedAt + limitMs && !signal.aborted)
      await clock.sleep(50, signal).catch(() => {});
    phase = 'over';
    tell();
    return {
      seed: plan.seed,
      rows: [...rows.values()].toSorted((a, b) => a.n - b.n),
      planned: plan.orders.length,
      placingMs: placedAt - startedAt,
      waitingMs: clock.now() - placedAt,
      late,
      reads: { ...watch.reads },
    };
  } finally {
    cancelTelling();
    watchingEnds.abort();
    await watching;
  }

  async function placeAll(): Promise<void> {
    const all = new Set<Promise<void>>();
    for (const order of plan.orders) {
      const dueAt = startedAt + order.dueMs;
      const earlyMs = dueAt - clock.now();
      if (earlyMs > 0) await clock.sleep(earlyMs, placingEnds).catch(() => {});
      while (counts.outstanding >= maxOutstanding && !placingEnds.aborted) await oneAnswered();
      if (placingEnds.aborted) break;
      counts.lateMs = Math.max(0, clock.now() - dueAt);
      if (counts.lateMs > LATE_MS) late.count += 1;
      late.maxMs = Math.max(late.maxMs, counts.lateMs);
      const placing = place(order, dueAt).finally(() => all.delete(placing));
      all.add(placing);
    }
    await Promise.all(all);
  }

  /** Resolves when a request was answered, or when placing ends. */
  function oneAnswered(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    slot = resolve;
    return promise;
  }

  async function place(order: PlannedOrder, dueAt: number): Promise<void> {
    const { n, kind, customerId, amountMinor } = order;
    counts.sent += 1;
    counts.outstanding += 1;
    const sent = await sender.place(order);
    counts.outstanding -= 1;
    slot?.();
    const common = { n, kind, customerId, amountMinor, dueAt, seen: [] };
    const answer = {
      answeredAt: sent.is === 'accepted' ? sent.at : clock.now(),
      ...(sent.status !== undefined && { httpStatus: sent.status }),
    };
    if (sent.is !== 'accepted') {
      counts.notAccepted += 1;
      rows.set(n, { ...common, ...answer, outcome: sent.is, ...(sent.reason && { reason: sent.reason }) });
      return;
    }
    counts.accepted += 1;
    const orderId = sent.orderIds[0]!;
    const twins = sent.orderIds.length > 1 ? { twins: sent.orderIds } : {};
    rows.set(n, { ...common, ...answer, ...twins, outcome: 'open', orderId });
    numberOf.set(orderId, n);
    watch.add(orderId);
    options.onAccepted?.(orderId);
    if (order.cancelAfterMs === undefined) return;
    await clock.sleep(order.cancelAfterMs, signal).catch(() => {});
    const cancelStatus = await sender.cancel(orderId);
    if (cancelStatus !== undefined) rows.set(n, { ...rows.get(n)!, cancelStatus });
  }
}
