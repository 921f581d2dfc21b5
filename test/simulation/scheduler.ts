/** One thread of virtual time for a whole simulated town: everything that happens is drawn from one seed. */
import { clockFrom, type Clock } from '#shared/clock.ts';

export interface Scheduler {
  readonly clock: Clock;
  /** A number in [0, 1), of the stream that decides what goes wrong; the clock's own randomness is another stream. */
  chance(): number;
  /** Whole, `from <= n < to`. */
  between(from: number, to: number): number;
  /** Runs what is due, moment by moment, until `done` holds (looked at every `lookMs`) or `limitMs` have passed; tells whether it holds. */
  run(done: () => boolean, limitMs: number, lookMs?: number): Promise<boolean>;
}

interface Timer {
  readonly at: number;
  /** Decides between timers of the same millisecond. */
  readonly order: number;
  run: (() => void) | undefined;
}

/** mulberry32 (Tommy Ettinger, public domain). */
function stream(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export function createScheduler(seed: number): Scheduler {
  const chance = stream(seed);
  const ties = stream(seed ^ 0x5bd1e995);
  const timers = createHeap();
  let now = Date.UTC(2026, 0, 1);
  let turn: (() => void)[] = [];

  const clock = clockFrom({
    now: () => now,
    elapsed: () => now,
    after(ms, run) {
      const timer: Timer = { at: now + Math.max(0, Math.ceil(ms)), order: ties(), run };
      timers.push(timer);
      return () => {
        timer.run = undefined;
      };
    },
    soon(run) {
      turn.push(run);
    },
    random: stream(seed ^ 0x9e3779b9),
  });

  /** Lets every promise go as far as it can without time passing. */
  async function settle(): Promise<void> {
    for (let turns = 1; ; turns += 1) {
      if (turns > 10_000) throw new Error('it works on and on, and no time passes');
      // A tick comes when no promise can go on any more, without a round of the event loop.
      await new Promise<void>((resolve) => process.nextTick(resolve));
      if (turn.length === 0) return;
      const running = turn;
      turn = [];
      for (const run of running) run();
    }
  }

  return {
    clock,
    chance,
    between: (from, to) => from + Math.floor(chance() * (to - from)),
    async run(done, limitMs, lookMs = 100) {
      const limit = now + limitMs;
      let lookAt = now;
      let steps = 0;
      await settle();
      for (;;) {
        if (now >= lookAt) {
          if (done()) return true;
          lookAt = now + lookMs;
        }
        const head = timers.peek();
        if (head === undefined || head.at > limit) return done();
        timers.pop();
        if (head.run === undefined) continue;
        steps = head.at > now ? 0 : steps + 1;
        if (steps > 100_000) throw new Error('it does something all the time, and no time passes');
        now = Math.max(now, head.at);
        head.run();
        for (let next = timers.peek(); next !== undefined && next.at <= now; next = timers.peek()) {
          timers.pop();
          next.run?.();
        }
        await settle();
      }
    },
  };
}

/** A binary heap: earliest first, then by `order`. */
function createHeap() {
  const heap: Timer[] = [];
  const before = (a: Timer, b: Timer): boolean => a.at < b.at || (a.at === b.at && a.order < b.order);
  return {
    peek: () => heap[0],
    push(timer: Timer): void {
      let index = heap.push(timer) - 1;
      while (index > 0) {
        const parent = (index - 1) >> 1;
        if (!before(timer, heap[parent]!)) break;
        heap[index] = heap[parent]!;
        index = parent;
      }
      heap[index] = timer;
    },
    pop(): void {
      const last = heap.pop();
      if (last === undefined || heap.length === 0) return;
      let index = 0;
      for (;;) {
        let child = 2 * index + 1;
        if (child >= heap.length) break;
        if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child += 1;
        if (!before(heap[child]!, last)) break;
        heap[index] = heap[child]!;
        index = child;
      }
      heap[index] = last;
    },
  };
}
