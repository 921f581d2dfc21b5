import { type End, ENDS, type SimulationProgress } from './result.ts';
import type { Insisting } from './insisting.ts';
import { createWatch } from './watch.ts';
import type { Api } from '#local/commands/api.ts';
import { systemClock, type Clock } from '#shared/clock.ts';

/** How what is planned is sent, whatever it is. */
export interface Simulating<Plan> {
  readonly api: Api;
  readonly plan: Plan;
  readonly clock?: Clock;
  /** Begins the Idempotency-Keys; another one for each run. */
  readonly run?: string;
  /** Ends everything as soon as what is under way was answered. */
  readonly signal?: AbortSignal;
  /** Sends nothing more; what was sent is waited for. */
  readonly enough?: AbortSignal;
  readonly limitMs?: number;
  /** Resolves when the next one may be sent, at its time or later; by default at its time. */
  readonly turn?: () => Promise<void>;
  /** So long somebody who was not told for certain asks again, ms; by default not at all. */
  readonly insistMs?: number;
  readonly onProgress?: (progress: SimulationProgress) => void;
}

/** What the run of one kind of plan gets, with everything that was left out. */
export interface Sending extends Insisting {
  readonly api: Api;
  readonly run: string;
  readonly limitMs: number;
}

/** One that is planned, at its time. */
interface Planned {
  readonly n: number;
  readonly dueMs: number;
}

/** What became of one that was sent, and of the order behind it. */
interface Row {
  readonly n: number;
  readonly order?: End;
  readonly orderReason?: string;
}

/** How one ended for whoever sent it. `orderId`: an order behind it, which is watched until it ends. `isOver`: nothing of it is waited for. */
export interface Done<ItsRow extends Row> {
  readonly row: ItsRow;
  readonly isAccepted: boolean;
  readonly isOver: boolean;
  readonly orderId?: string | undefined;
}

export interface OpenLoop<One extends Planned, ItsRow extends Row> {
  readonly planned: readonly One[];
  /** Whatever must be there first. */
  prepare(sending: Sending): Promise<unknown>;
  /** `dueAt`: when it should have been sent, epoch ms. */
  send(one: One, dueAt: number, sending: Sending): Promise<Done<ItsRow>>;
  /** After everything has ended, or was waited for long enough; `ordered`: by order id. Gives the rows that are to be told otherwise. */
  lookAgain?(
    ordered: ReadonlyMap<string, One>,
    rows: ReadonlyMap<number, ItsRow>,
    api: Api,
  ): Promise<readonly ItsRow[]>;
}

const LOOK_AGAIN_MS = 200;

/**
 * Sends what is planned at its time whatever became of those before (an open loop), and waits until each order behind one has ended.
 * Gives a row for each that was sent. Rejects only with what `prepare` met.
 */
export async function openLoop<One extends Planned, ItsRow extends Row>(
  options: Omit<Simulating<unknown>, 'plan'>,
  { planned, prepare, send, lookAgain }: OpenLoop<One, ItsRow>,
): Promise<readonly ItsRow[]> {
  const { api, clock = systemClock, limitMs = 180_000, insistMs = 0, onProgress = () => {} } = options;
  const { run = clock.id(), signal = new AbortController().signal, enough = signal } = options;
  const sending: Sending = { api, clock, run, signal, limitMs, insistMs };
  const rows = new Map<number, ItsRow>();
  const ordered = new Map<string, One>();
  const counts = { sent: 0, accepted: 0, notAccepted: 0, ended: 0, outstanding: 0, lateMs: 0 };
  let startedAt = clock.now();
  const tell = (phase: SimulationProgress['phase']): void =>
    onProgress({ phase, elapsedMs: clock.now() - startedAt, planned: planned.length, ...counts });

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

  async function sent(one: One): Promise<void> {
    counts.sent += 1;
    const { row, isAccepted, isOver, orderId } = await send(one, startedAt + one.dueMs, sending);
    rows.set(one.n, row);
    counts[isAccepted ? 'accepted' : 'notAccepted'] += 1;
    if (isOver) counts.ended += 1;
    if (orderId === undefined) return;
    ordered.set(orderId, one);
    watch.add(orderId);
  }

  tell('funding');
  await prepare(sending);
  startedAt = clock.now();
  const watchingEnds = new AbortController();
  const watching = watch.run(AbortSignal.any([signal, watchingEnds.signal]));
  try {
    const sendingEnds = AbortSignal.any([signal, enough]);
    const all: Promise<void>[] = [];
    const noMore = new Promise<void>((resolve) => sendingEnds.addEventListener('abort', () => resolve()));
    for (const one of planned) {
      const earlyMs = startedAt + one.dueMs - clock.now();
      if (earlyMs > 0) await clock.sleep(earlyMs, sendingEnds).catch(() => {});
      if (!sendingEnds.aborted) await Promise.race([options.turn?.(), noMore]);
      if (sendingEnds.aborted) break;
      all.push(sent(one));
      tell('placing');
    }
    await Promise.all(all);
    const giveUpAt = clock.now() + limitMs;
    while (watch.open > 0 && clock.now() < giveUpAt && !signal.aborted) {
      tell('waiting');
      await clock.sleep(LOOK_AGAIN_MS, signal).catch(() => {});
    }
    for (const row of (await lookAgain?.(ordered, rows, api)) ?? []) rows.set(row.n, row);
    tell('over');
    return [...rows.values()].toSorted((a, b) => a.n - b.n);
  } finally {
    watchingEnds.abort();
    await watching;
  }
}
