import { quantile } from '#bench/statistics.ts';

export interface LoopResult {
  readonly completed: number;
  readonly perS: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

export interface LoopOptions {
  readonly inFlight: number;
  readonly seconds: number;
  /** What is completed before does not count. */
  readonly warmUpSeconds: number;
  /** The time that counts begins, or ends. */
  readonly onCounting?: (is: 'begun' | 'over') => void;
}

/** Nothing is completed for so long: it will not be. */
const STALLED_MS = 60_000;

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
      const countFrom = performance.now() + warmUpSeconds * 1000;
      const until = countFrom + seconds * 1000;
      const latencies: number[] = [];
      let last = performance.now();
      onCompleted = (latencyMs, at) => {
        last = at;
        if (at >= countFrom && at < until) latencies.push(latencyMs);
        if (at < until) void placeOne();
        else if (startedAt.size === 0) resolve();
      };
      const timers = [
        setTimeout(() => onCounting('begun'), warmUpSeconds * 1000),
        setTimeout(() => onCounting('over'), (warmUpSeconds + seconds) * 1000),
        setInterval(() => {
          if (performance.now() - last > STALLED_MS)
            reject(new Error(`no order was completed for ${STALLED_MS / 1000} s, ${startedAt.size} are on their way`));
        }, 1000),
      ];
      try {
        await Promise.all(Array.from({ length: inFlight }, placeOne));
        await promise;
      } finally {
        for (const timer of timers) clearTimeout(timer);
      }
      const [p50Ms, p99Ms] = [quantile(latencies, 0.5), quantile(latencies, 0.99)];
      return { completed: latencies.length, perS: latencies.length / seconds, p50Ms, p99Ms };
    },
  };
}
