import { act, type Acted, chargedFault } from './basket-acting.ts';
import { openSupermarkets } from './basket-market.ts';
import type { BasketPlan, PlannedBasket } from './basket-plan.ts';
import type { BasketRow } from './basket-verdict.ts';
import { forEach } from './asking.ts';
import { fund } from './fund.ts';
import { type End, ENDS, type SimulationProgress } from './result.ts';
import { stockShelves } from './shelves.ts';
import { createWatch } from './watch.ts';
import type { Api } from '#local/commands/api.ts';
import { systemClock, type Clock } from '#shared/clock.ts';

export interface SimulateBaskets {
  readonly api: Api;
  readonly plan: BasketPlan;
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

const LOOK_AGAIN_MS = 200;

/**
 * Fills shelves and wallets and sets prices, does what is planned at its time, and waits until each order of a basket has ended. Throws
 * `Trouble` only when it can not begin.
 */
export async function simulateBaskets(options: SimulateBaskets): Promise<readonly BasketRow[]> {
  const { api, plan, clock = systemClock, limitMs = 180_000, onProgress = () => {} } = options;
  const { run = clock.id(), signal = new AbortController().signal, enough = signal } = options;
  const rows = new Map<number, BasketRow>();
  const ordered = new Map<string, PlannedBasket>();
  const counts = { sent: 0, accepted: 0, notAccepted: 0, ended: 0, outstanding: 0, lateMs: 0 };
  let startedAt = clock.now();
  const tell = (phase: SimulationProgress['phase']): void =>
    onProgress({ phase, elapsedMs: clock.now() - startedAt, planned: plan.baskets.length, ...counts });

  const watch = createWatch({
    api,
    clock,
    onSeen({ id, status, failure }) {
      const { n } = ordered.get(id)!;
      if (!(ENDS as readonly string[]).includes(status)) return false;
      rows.set(n, { ...rows.get(n)!, order: status as End, ...(failure && { orderReason: failure.reason }) });
      counts.ended += 1;
      return true;
    },
  });

  const inTurn = oneAfterAnother();
  async function doneAsPlanned(one: PlannedBasket): Promise<void> {
    counts.sent += 1;
    const acted = await inTurn(one, () => act(one, api, run));
    const { n, kind } = one;
    rows.set(n, { n, kind, dueAt: startedAt + one.dueMs, answeredAt: clock.now(), ...acted });
    if (acted.end === 'done' || acted.end === 'unknown_product') counts.accepted += 1;
    else counts.notAccepted += 1;
    if (acted.orderId === undefined) {
      counts.ended += 1;
      return;
    }
    ordered.set(acted.orderId, one);
    watch.add(acted.orderId);
  }

  tell('funding');
  await stockShelves({ api, clock, run }, plan.goods);
  await openSupermarkets({ api, clock });
  await fund({ api, clock, run }, plan.customers);
  startedAt = clock.now();
  const watchingEnds = new AbortController();
  const watching = watch.run(AbortSignal.any([signal, watchingEnds.signal]));
  try {
    const sendingEnds = AbortSignal.any([signal, enough]);
    const all: Promise<void>[] = [];
    for (const one of plan.baskets) {
      const earlyMs = startedAt + one.dueMs - clock.now();
      if (earlyMs > 0) await clock.sleep(earlyMs, sendingEnds).catch(() => {});
      if (sendingEnds.aborted) break;
      all.push(doneAsPlanned(one));
      tell('placing');
    }
    await Promise.all(all);
    const giveUpAt = clock.now() + limitMs;
    while (watch.open > 0 && clock.now() < giveUpAt && !signal.aborted) {
      tell('waiting');
      await clock.sleep(LOOK_AGAIN_MS, signal).catch(() => {});
    }
    await forEach(ordered, async ([orderId, one]) => {
      const odd = await chargedFault(one, orderId, api);
      if (odd !== undefined) rows.set(one.n, { odd, ...rows.get(one.n)! });
    });
    tell('over');
    return [...rows.values()].toSorted((a, b) => a.n - b.n);
  } finally {
    watchingEnds.abort();
    await watching;
  }
}

/** A basket that is kept is changed by one at a time, and by nobody any more once a change may still happen that was given up. */
function oneAfterAnother(): (one: PlannedBasket, run: () => Promise<Acted>) => Promise<Acted> {
  const last = new Map<string, Promise<boolean>>();
  return async ({ kind, supermarketId, userId }, run) => {
    if (kind !== 'kept' && kind !== 'ordered') return run();
    const whose = `${supermarketId}/${userId}`;
    const before = last.get(whose);
    const acted = (async (): Promise<Acted> => ((await before) === false ? { end: 'left_out' } : run()))();
    last.set(
      whose,
      acted.then(({ end }) => end === 'done'),
    );
    return acted;
  };
}
