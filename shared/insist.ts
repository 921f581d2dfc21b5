import { backoffMs, type Backoff } from './backoff.ts';
import type { Clock } from './clock.ts';
import { reasonOf } from './errors.ts';
import type { Log } from './log.ts';

export interface Insistence {
  /** The warning, and what it names: said at the third failure, because most pass by themselves. */
  readonly warning: string;
  readonly fields: object;
  readonly backoff: Backoff;
  /** False: nobody waits for it any more. */
  readonly isWanted: () => boolean;
  /** Cuts a wait between two tries short. */
  readonly signal?: AbortSignal;
}

/** Tries until it succeeds, with growing waits; resolves with `undefined` when it is not wanted any more. */
export async function insist<T>(
  { clock, log }: { readonly clock: Pick<Clock, 'sleep' | 'random'>; readonly log: Pick<Log, 'warn'> },
  { warning, fields, backoff, isWanted, signal }: Insistence,
  attempt: () => Promise<T>,
): Promise<T | undefined> {
  for (let tries = 1; isWanted(); tries += 1) {
    try {
      return await attempt();
    } catch (error) {
      if (tries === 3) log.warn(warning, { ...fields, reason: reasonOf(error) });
      await clock.sleep(backoffMs(backoff, tries, clock.random), signal).catch(() => {});
    }
  }
  return undefined;
}
