import { backoffMs } from '#shared/backoff.ts';
import type { Clock } from '#shared/clock.ts';
import { reasonOf } from '#shared/errors.ts';
import type { Log } from '#shared/log.ts';

export interface GivingBackOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly route: string;
  /** Without progress for this long, while something waits, everything goes back: half a TTL. */
  readonly patienceMs: number;
  /** Unacknowledged deliveries are in hand. */
  readonly waiting: () => boolean;
  readonly close: () => Promise<void>;
  readonly open: () => Promise<void>;
}

export interface GivingBack {
  /** Something was acknowledged; stashing ends in it too. */
  progress(): void;
  /** Gives everything back without waiting for a standstill; nothing happens when it is being given back already. */
  now(reason: string): void;
  /** Ends the watch at once; what it was opening is the caller's to close. */
  stop(): void;
}

/**
 * Closes the channels of an engine that cannot work: database down, effects hanging. The broker takes everything back in
 * place, where it expires and the circuit breaker sees it; prefetched messages would wait unseen. Consuming is tried
 * again with a growing pause.
 */
export function watchForStandstill(options: GivingBackOptions): GivingBack {
  const { clock, log, route, patienceMs } = options;
  const ended = new AbortController();
  let since = clock.now();
  let standstills = 0;
  let givingBack = false;
  let cancel = clock.after(patienceMs / 8, look);

  function look(): void {
    if (!options.waiting()) since = clock.now();
    if (clock.now() - since < patienceMs) {
      cancel = clock.after(patienceMs / 8, look);
      return;
    }
    tryGivingBack(`nothing was acknowledged for ${patienceMs} ms`);
  }

  function tryGivingBack(reason: string): void {
    givingBack = true;
    giveBack(reason).catch((error: unknown) => {
      if (ended.signal.aborted) return;
      log.warn('consuming could not be taken up again, still trying', { route, reason: reasonOf(error) });
      cancel = clock.after(patienceMs / 8, () => tryGivingBack(reason));
    });
  }

  async function giveBack(reason: string): Promise<void> {
    standstills += 1;
    const pauseMs = backoffMs({ baseMs: patienceMs / 2, capMs: patienceMs * 2 }, standstills, clock.random);
    log.warn('everything goes back to the broker', { route, reason, pauseMs });
    await options.close();
    await clock.sleep(pauseMs, ended.signal);
    await options.open();
    if (ended.signal.aborted) return;
    givingBack = false;
    since = clock.now();
    cancel = clock.after(patienceMs / 8, look);
  }

  return {
    progress() {
      since = clock.now();
      standstills = 0;
    },
    now(reason) {
      if (givingBack || ended.signal.aborted) return;
      cancel();
      tryGivingBack(reason);
    },
    stop() {
      cancel();
      ended.abort(new Error('the engine stops'));
    },
  };
}
