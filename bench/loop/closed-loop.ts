import { quantile } from '#bench/statistics.ts';

export interface LoopResult {
  readonly completed: number;
  /** For which it counted. */
  readonly seconds: number;
  readonly perS: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

export interface LoopOptions {
  readonly inFlight: number;
  /** At least; longer until as many as are on their way were completed. */
  readonly seconds: number;
  /** What is completed before does not count: for so long, and until as many as are on their way were. */
  readonly warmUpSeconds: number;
  /** The time that counts begins, or ends. */
  readonly onCounting?: (is: 'begun' | 'over') => void;
}

/** Both of them end after so much more time at the latest. */
const LONGER_MS = 15_000;
/** Nothing is completed for so long: it will not be. */
const STALLED_MS = 60_000;

type Phase = 'warming up' | 'counting' | 'over';

/** A closed loop: a number of orders on their way at any time; a new one is placed whenever one is completed. */
export function createClosedLoop(place: (orderId: string, n: number) => Promise<unknown>) {
  const startedAt = new Map<string, number>();
  let next = 0;
  let onCompleted = (_latencyMs: number, _at: number): void => {};

  async function placeOne(): Promise<void> {
    next += 1;
    const orderId = crypto.randomUUID();
    startedAt.set(orderId, performance.now());
    await place(orderId, next); // a failure ends the process
  }

  return {
    /** How many were placed so far. */
    get placed() {
      return next;
    },
    completed(orderId: string): void {
      const at = startedAt.get(orderId);
      if (at === undefined) return;
      startedAt.delete(orderId);
      const now = performance.now();
      onCompleted(now - at, now);
    },
    /** Resolves when nothing is on its way any more. */
    async run({ inFlight, seconds, warmUpSeconds, onCounting = () => {} }: LoopOptions): Promise<LoopResult> {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      let phase: Phase = 'warming up';
      let [since, last] = [performance.now(), performance.now()];
      let [warm, measuredMs] = [0, 0];
      const latencies: number[] = [];
      const isOver = (count: number, at: number, least: number): boolean =>
        at - since >= least * 1000 && (count >= inFlight || at - since >= least * 1000 + LONGER_MS);
      onCompleted = (latencyMs, at) => {
        last = at;
        if (phase === 'counting') latencies.push(latencyMs);
        if (phase === 'warming up') warm += 1;
        if (phase === 'counting' && isOver(latencies.length, at, seconds)) {
          phase = 'over';
          measuredMs = at - since;
          onCounting('over');
        }
        if (phase === 'warming up' && isOver(warm, at, warmUpSeconds)) {
          phase = 'counting';
          since = at;
          onCounting('begun');
        }
        if (phase !== 'over') void placeOne();
        else if (startedAt.size === 0) resolve();
      };
      const watch = setInterval(() => {
        if (performance.now() - last > STALLED_MS)
          reject(new Error(`no order was completed for ${STALLED_MS / 1000} s, ${startedAt.size} are on their way`));
      }, 1000);
      try {
        await Promise.all(Array.from({ length: inFlight }, placeOne));
        await promise;
      } finally {
        clearInterval(watch);
      }
      return {
        completed: latencies.length,
        seconds: measuredMs / 1000,
        perS: (latencies.length * 1000) / measuredMs,
        p50Ms: quantile(latencies, 0.5),
        p99Ms: quantile(latencies, 0.99),
      };
    },
  };
}
