import { type Bucket, filled } from './token-bucket.ts';
import type { Clock } from '#shared/clock.ts';

export interface RateLimitOptions {
  readonly clock: Pick<Clock, 'now'>;
  /** How many a second in the long run; 0: as many as they like. */
  readonly perS: number;
  /** How many at once after a rest. */
  readonly burst: number;
  /** How many callers are remembered at most; the one that was not seen for longest is forgotten first. */
  readonly maxCallers?: number;
}

export interface RateLimit {
  /** Takes one for this caller and gives 0; or takes none, and gives the ms until there is one again. */
  take(caller: string): number;
  /** The same without taking one. */
  waitMs(caller: string): number;
  readonly callers: number;
}

/** A token bucket for each caller, of this process: who is forgotten begins with a full one. */
export function createRateLimit({ clock, perS, burst, maxCallers = 10_000 }: RateLimitOptions): RateLimit {
  const size = Math.max(1, burst);
  /** In the order of their last request. */
  const buckets = new Map<string, Bucket>();

  function bucketOf(caller: string): Bucket {
    const now = clock.now();
    return filled(buckets.get(caller) ?? { tokens: size, at: now }, now, perS, size);
  }

  function forgetOne(): void {
    const [oldest] = buckets.keys();
    if (oldest !== undefined) buckets.delete(oldest);
  }

  const until = ({ tokens }: Bucket): number => (tokens >= 1 ? 0 : Math.ceil(((1 - tokens) * 1000) / perS));

  return {
    take(caller) {
      if (perS === 0) return 0;
      const bucket = bucketOf(caller);
      if (bucket.tokens < 1) return until(bucket);
      buckets.delete(caller);
      if (buckets.size >= maxCallers) forgetOne();
      buckets.set(caller, { ...bucket, tokens: bucket.tokens - 1 });
      return 0;
    },
    waitMs: (caller) => (perS === 0 ? 0 : until(bucketOf(caller))),
    get callers() {
      return buckets.size;
    },
  };
}
