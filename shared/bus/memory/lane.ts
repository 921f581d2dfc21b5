import type { Clock } from '#shared/clock.ts';

/** One direction of one connection: what is pushed runs later, in order, whatever the single latencies are. */
export interface Lane {
  push(run: () => void): void;
  /** Runs at once what is still under way. */
  flush(): void;
  /** Forgets what is still under way. */
  drop(): void;
}

export function createLane(clock: Clock, latencyMs: () => number): Lane {
  let waiting: { readonly at: number; readonly run: () => void }[] = [];
  let lastAt = 0;
  let cancel: (() => void) | undefined;

  function schedule(): void {
    const [head] = waiting;
    if (head === undefined || cancel !== undefined) return;
    cancel = clock.after(Math.max(0, head.at - clock.now()), () => {
      cancel = undefined;
      const now = clock.now();
      const later = waiting.findIndex(({ at }) => at > now);
      const ready = waiting.splice(0, later === -1 ? waiting.length : later);
      for (const { run } of ready) run();
      schedule();
    });
  }

  function take(): (() => void)[] {
    cancel?.();
    cancel = undefined;
    const taken = waiting.map(({ run }) => run);
    waiting = [];
    return taken;
  }

  return {
    push(run) {
      lastAt = Math.max(lastAt, clock.now() + latencyMs());
      waiting.push({ at: lastAt, run });
      schedule();
    },
    flush() {
      for (const run of take()) run();
    },
    drop() {
      take();
    },
  };
}
