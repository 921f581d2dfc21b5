import type { Clock } from '#shared/clock.ts';

/** Whose turn it is is told from outside: some now and then, some in the moment in which something goes wrong. */
export interface Turns {
  /** One more may go on. */
  give(): void;
  /** Resolves when it is the turn of who asks, in their order; never, if nobody gives it one. */
  next(): Promise<void>;
  stop(): void;
}

/** Gives a turn every `everyMs`, beside those that are given. */
export function startTurns(clock: Pick<Clock, 'after'>, everyMs: number): Turns {
  const waiting: (() => void)[] = [];
  let left = 0;
  function give(): void {
    const first = waiting.shift();
    if (first === undefined) left += 1;
    else first();
  }
  let cancel = clock.after(everyMs, function again() {
    give();
    cancel = clock.after(everyMs, again);
  });
  return {
    give,
    async next() {
      if (left === 0) return new Promise((resolve) => waiting.push(resolve));
      left -= 1;
    },
    stop: () => cancel(),
  };
}
