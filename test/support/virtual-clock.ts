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
  const timers = createTimers();
  let turn: (() => void)[] = [];

  const clock = clockFrom({
    now: () => now,
    elapsed: () => now,
    after(ms, run) {
      const id = (sequence += 1);
      const timer: Timer = { id, at: now + Math.max(0, Math.ceil(ms)), run };
      timers.add(timer);
      return () => (timer.run = undefined);
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

  async function advance(ms: number): Promise<void> {
    const target = now + ms;
    await settle();
    for (let timer = timers.takeDue(target); timer !== undefined; timer = timers.takeDue(target)) {
      now = Math.max(now, timer.at);
      timer.run?.();
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

interface Timer {
  /** In the order in which they were set. */
  readonly id: number;
  readonly at: number;
  /** Undefined: it was cancelled, and stays until its turn. */
  run: (() => void) | undefined;
}

/** A binary heap: the earliest is first, of those at one moment the one that was set first. */
function createTimers() {
  const heap: Timer[] = [];
  const isBefore = (one: Timer, other: Timer): boolean =>
    one.at < other.at || (one.at === other.at && one.id < other.id);

  function takeFirst(): Timer {
    const first = heap[0]!;
    const last = heap.pop()!;
    if (heap.length === 0) return first;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child += 1;
      if (!isBefore(heap[child]!, last)) break;
      heap[index] = heap[child]!;
      index = child;
    }
    heap[index] = last;
    return first;
  }

  return {
    add(timer: Timer): void {
      let index = heap.push(timer) - 1;
      while (index > 0) {
        const parent = (index - 1) >> 1;
        if (isBefore(heap[parent]!, timer)) break;
        heap[index] = heap[parent]!;
        index = parent;
      }
      heap[index] = timer;
    },
    /** The first of those that are due by then; it is no timer any more. */
    takeDue(limit: number): Timer | undefined {
      while (heap.length > 0 && heap[0]!.at <= limit) {
        const timer = takeFirst();
        if (timer.run !== undefined) return timer;
      }
      return undefined;
    },
  };
}
