import { setTimeout as sleep } from 'node:timers/promises';

export interface ArrivalsResult {
  readonly placed: number;
  readonly latencies: readonly number[];
}

/** Orders that come by themselves: so many a second on the average, each when it likes (exponential gaps), however long the others take. */
export function createArrivals(place: (orderId: string, n: number) => Promise<unknown>) {
  const startedAt = new Map<string, number>();
  let latencies: number[] = [];
  let next = 0;
  let onEmpty = (): void => {};

  return {
    completed(orderId: string): void {
      const at = startedAt.get(orderId);
      if (at === undefined) return;
      startedAt.delete(orderId);
      latencies.push(performance.now() - at);
      if (startedAt.size === 0) onEmpty();
    },
    /** Resolves when all of them were completed. */
    async run({ perS, seconds }: { readonly perS: number; readonly seconds: number }): Promise<ArrivalsResult> {
      latencies = [];
      const before = next;
      let at = performance.now();
      const end = at + seconds * 1000;
      while (at < end) {
        at += (-Math.log(1 - Math.random()) * 1000) / perS;
        const waitMs = at - performance.now();
        if (waitMs > 0) await sleep(waitMs);
        const orderId = crypto.randomUUID();
        startedAt.set(orderId, performance.now());
        next += 1;
        await place(orderId, next);
      }
      if (startedAt.size > 0) await new Promise<void>((resolve) => (onEmpty = resolve));
      return { placed: next - before, latencies };
    },
  };
}
