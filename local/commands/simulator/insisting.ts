import { waitMs } from './retry-after.ts';
import type { ApiAnswer } from '#local/commands/api.ts';
import type { Clock } from '#shared/clock.ts';

const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 4000;

export interface Insisting {
  readonly clock: Clock;
  /** Ends the waiting for another try. */
  readonly signal: AbortSignal;
  /** So long after the first try somebody who was not told for certain asks again; 0: not at all. */
  readonly insistMs: number;
}

/** What the time before another try depends on. */
type Told = Pick<ApiAnswer<unknown>, 'headers'> | undefined;

/** Of somebody who begins to ask now. */
export interface Patience {
  readonly isLeft: () => boolean;
  /** Waits as long as was told, and each time longer; `false`: there is to be no other try. */
  pause(answer: Told): Promise<boolean>;
}

export function patienceOf({ clock, signal, insistMs }: Insisting): Patience {
  const endsAt = clock.now() + insistMs;
  let pauseMs = FIRST_PAUSE_MS;
  return {
    isLeft: () => clock.now() < endsAt && !signal.aborted,
    async pause(answer) {
      const ms = Math.max(pauseMs, waitMs(answer));
      pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS);
      if (signal.aborted) return false;
      return clock.sleep(ms, signal).then(
        () => true,
        () => false,
      );
    },
  };
}
