import type { ApiAnswer } from '#local/commands/api.ts';

const LONGEST_WAIT_MS = 30_000;
const PAUSE_MS = 250;

/** `Retry-After` in seconds (RFC 9110, 10.2.3). */
export function waitMs(answer: Pick<ApiAnswer<unknown>, 'headers'> | undefined): number {
  const seconds = Number(answer?.headers.get('retry-after') ?? Number.NaN);
  return Number.isFinite(seconds) && seconds > 0 ? Math.min(seconds * 1000, LONGEST_WAIT_MS) : PAUSE_MS;
}
