import { clockFrom, type Clock } from '#shared/clock.ts';

export interface VirtualClock extends Clock {
  /** Runs everything that is due within the next `ms` virtual milliseconds, in order, with all that follows from it. */
  advance(ms: number): Promise<void>;
  /** Runs everything that needs no time to pass. */
  settle(): Promise<void>;
  /** Advances until `promise` is settled, and gives its result. */
  during<T>(promise: Promise<T>): Promise<T>;
  /** Advances in small steps until `condition` holds; throws after `limitMs` virtual milliseconds. */
  until(condition: () => boolean, limitMs?: number): Promise<void>;
}

/** A clock that moves only when it is told to, in whole milliseconds like the machine's. Its randomness is a seeded mulberry32 (Tommy Ettinger, public domain). */
export function createVirtualClock(seed = 1, startMs = Date.UTC(2026, 0, 1)): VirtualClock {
  let now = startMs;
  let sequence = 0;
  let state = seed >>> 0;
  const timers = new Map<number, { readonly at: number; readonly run: () => void }>();
  let turn: (() => void)[] = [];

  const clock = clockFrom({
    now: () => now,
    elapsed: () => now,
    after(ms, run) {
      const id = (sequence += 1);
      timers.set(id, { at: now + Math.max(0, Math.ceil(ms)), run });
      return () => void timers.delete(id);
    },
    soon(run) {
      turn.push(run);
    },
    random() {
      state = (state + 0x6d2b79f5) >>> 0;
      let mixed = Math.imul(state ^ (state >>> 15), state | 1);
      mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
      return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
    },
  });

  async function settle(): Promise<void> {
    for (;;) {
      await new Promise((resolve) => setImmediate(resolve));
      if (turn.length === 0) return;
      const running = turn;
      turn = [];
      for (const run of running) run();
    }
  }

  function nextDue(limit: number): number | undefined {
    let found: number | undefined;
    for (const [id, timer] of timers) {
      if (timer.at <= limit && (found === undefined || timer.at < timers.get(found)!.at)) found = id;
    }
    return found;
  }

  async function advance(ms: number): Promise<void> {
    const target = now + ms;
    await settle();
    for (let id = nextDue(target); id !== undefined; id = nextDue(target)) {
      const timer = timers.get(id)!;
      timers.delete(id);
      now = Math.max(now, timer.at);
      timer.run();
      await settle();
    }
    now = target;
  }

  return {
    ...clock,
    advance,
    settle,
    async during(promise) {
      let settled = false;
      const done = (): void => {
        settled = true;
      };
      promise.then(done, done);
      await settle();
      for (let steps = 0; !settled; steps += 1) {
        if (steps > 60_000) throw new Error('not settled after 600 virtual seconds');
        await advance(10);
      }
      return promise;
    },
    async until(condition, limitMs = 600_000) {
      const deadline = now + limitMs;
      await settle();
      while (!condition()) {
        if (now >= deadline) throw new Error(`not so after ${limitMs} virtual ms: ${condition.toString()}`);
        await advance(10);
      }
    },
  };
}
