import type { Clock } from '#shared/clock.ts';
import { backoffMs } from '#shared/backoff.ts';
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
  /** Something was acknowledged (stashing ends in it too), or there was nothing to do. */
  progress(): void;
  /** Ends the watch; resolves when no closing or opening is under way. */
  stop(): Promise<void>;
}

/**
 * Closes the channels of an engine that cannot work: database down, effects hanging. The broker takes everything back in
 * place, where it expires and the circuit breaker sees it; prefetched messages would wait unseen. Consuming is tried
 * again with a growing pause.
 */
export function watchForStandstill(options: GivingBackOptions): GivingBack {
  const { clock, log, route, patienceMs } = options;
  let since = clock.now();
  let standstills = 0;
  let stopped = false;
  let busy: Promise<void> = Promise.resolve();
  let cancel = clock.after(patienceMs / 8, look);

  function look(): void {
    if (!options.waiting()) since = clock.now();
    if (clock.now() - since < patienceMs) {
      cancel = clock.after(patienceMs / 8, look);
      return;
    }
    busy = giveBack();
  }

  async function giveBack(): Promise<void> {
    standstills += 1;
    const pauseMs = backoffMs({ baseMs: patienceMs / 2, capMs: patienceMs * 2 }, standstills, clock.random);
    log.warn('no progress: everything goes back to the broker', { route, patienceMs, pauseMs });
    await options.close();
    await new Promise<void>((resolve) => {
      cancel = clock.after(pauseMs, resolve);
      ending = () => {
        cancel();
        resolve();
      };
    });
    if (stopped) return;
    await options.open();
    since = clock.now();
    cancel = clock.after(patienceMs / 8, look);
  }
  let ending = (): void => {};

  return {
    progress() {
      since = clock.now();
      standstills = 0;
    },
    async stop() {
      stopped = true;
      cancel();
      ending();
      await busy;
    },
  };
}
