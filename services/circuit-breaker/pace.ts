export interface RedrivePolicy {
  /** Messages per second at first. */
  readonly startPerS: number;
  readonly capPerS: number;
}

/** Unless configured otherwise. */
export const REDRIVE: RedrivePolicy = { startPerS: 5, capPerS: 100 };

/**
 * How many parked messages of a route may go back per second: few at first, twice as many after every `cycleMs` without an
 * expiry; none for a cycle after one. Times in epoch ms; `closedSince` undefined: the gate is not closed.
 */
export function pacePerS(
  { startPerS, capPerS }: RedrivePolicy,
  cycleMs: number,
  times: { readonly closedSince: number | undefined; readonly lastExpiryAt: number; readonly now: number },
): number {
  const { closedSince, lastExpiryAt, now } = times;
  if (closedSince === undefined) return 0;
  const quietMs = now - Math.max(closedSince, lastExpiryAt + cycleMs);
  if (quietMs < 0) return 0;
  return Math.min(capPerS, startPerS * 2 ** Math.min(30, Math.floor(quietMs / cycleMs)));
}
