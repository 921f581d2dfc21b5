import type { Backoff } from '#shared/backoff.ts';

/** Unacknowledged deliveries that a worker takes of each partition. */
export const PREFETCH = 100;

/** What an engine may take; every time follows from the queues' TTL, so that trouble shows before messages expire unseen. */
export interface Limits {
  /** Unacknowledged deliveries per partition. */
  readonly prefetch: number;
  /** Keys whose handlers may be at work at once. */
  readonly concurrency: number;
  /** An effect outside (HTTP, SMTP) is aborted after this long: under a quarter of the TTL. */
  readonly effectMs: number;
  /** A failing message and its successors leave the queue for the document this long after delivery: half a TTL. */
  readonly stashAfterMs: number;
  /** Messages that one document can hold back. */
  readonly stashSize: number;
  /** So many keys whose effects of one type time out, without one success between, and the effect hangs for everybody. */
  readonly hangingKeys: number;
  /** Tries of one message before it becomes a dead letter. */
  readonly attempts: number;
  readonly retry: Backoff;
  /** Waits between tries to send what the broker refused. */
  readonly resend: Backoff;
  /** How long a handled id outlives its deadline, ms. */
  readonly skewMs: number;
  /** Documents kept in memory. */
  readonly cacheSize: number;
  /** How often the store is asked for keys that are due. */
  readonly sweepMs: number;
}

/** The limits that go with a queue TTL in ms. */
export function limitsFor(ttlMs: number, override: Partial<Limits> = {}): Limits {
  return {
    prefetch: PREFETCH,
    concurrency: Infinity,
    effectMs: Math.floor(ttlMs * 0.24),
    stashAfterMs: Math.floor(ttlMs / 2),
    stashSize: 100,
    hangingKeys: 3,
    attempts: 10,
    retry: { baseMs: 50, capMs: Math.max(50, Math.floor(ttlMs / 2)) },
    resend: { baseMs: 500, capMs: 5000 },
    skewMs: 30_000,
    cacheSize: 20_000,
    sweepMs: 500,
    ...override,
  };
}
