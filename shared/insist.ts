import { backoffMs, type Backoff } from './backoff.ts';
import type { Clock } from './clock.ts';
import { reasonOf } from './errors.ts';
import type { Log } from './log.ts';

export interface Insistence {
  /** The warning, and what it names. Absent: something else logs why it fails. */
  readonly warning?: string;
  readonly fields?: object;
  /** The failure at which the warning is logged: the third, because most pass by themselves. */
  readonly warnAt?: number;
  readonly backoff: Backoff;
  /** False: nobody waits for it any more. Asked before each try. */
  readonly isWanted: () => boolean;
  /** Cuts a wait between two tries short. */
  readonly signal?: AbortSignal;
}

/**
 * The one retry loop for what has to succeed: tries without end, with growing waits; resolves with `undefined` when it is not
 * wanted any more. A loop with a limit, or one that repeats what succeeds, is another thing and stands where it belongs.
 */
export async function insist<T>(
  { clock, log }: { readonly clock: Pick<Clock, 'sleep' | 'random'>; readonly log: Pick<Log, 'warn'> },
  { warning, fields, warnAt = 3, backoff, isWanted, signal }: Insistence,
  attempt: () => Promise<T>,
): Promise<T | undefined> {
  for (let tries = 1; isWanted(); tries += 1) {
    try {
      return await attempt();
    } catch (error) {
      if (warning !== undefined && tries === warnAt) log.warn(warning, { ...fields, reason: reasonOf(error) });
      await clock.sleep(backoffMs(backoff, tries, clock.random), signal).catch(() => {});
    }
  }
  return undefined;
}
