/** How long to wait before the next try: exponential, capped, with jitter so that those who failed together do not retry together. */
export interface Backoff {
  readonly baseMs: number;
  readonly capMs: number;
}

/**
 * The wait before try number `attempt + 1`, in ms: half of it fixed, half random ("equal jitter", Brooker,
 * "Exponential Backoff and Jitter", AWS Architecture Blog 2015), so that gaps still grow.
 * @param attempt how many tries have failed, from 1
 */
export function backoffMs({ baseMs, capMs }: Backoff, attempt: number, random: () => number): number {
  const full = Math.min(capMs, baseMs * 2 ** Math.min(attempt - 1, 30));
  return Math.round(full / 2 + (random() * full) / 2);
}
