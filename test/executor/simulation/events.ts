/** Virtual time for what is not asynchronous: everything that happens is a call at a moment, and follows from one seed. */
export interface Events {
  readonly now: () => number;
  at(ms: number, run: () => void): void;
  /** A number in [0, 1). */
  chance(): number;
  /** Whole, `from <= n < to`. */
  between(from: number, to: number): number;
  pick<T>(from: readonly T[]): T;
  /** Runs what is due until `done` holds or that moment has come. */
  run(untilMs: number, done?: () => boolean): void;
}

/** How many milliseconds ahead something may be planned. */
const RING = 65_536;

export function createEvents(seed: number): Events {
  const slots: (() => void)[][] = Array.from({ length: RING }, () => []);
  let now = 0;
  let state = seed >>> 0;

  /** mulberry32 (Tommy Ettinger, public domain). */
  function chance(): number {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }
  const between = (first: number, to: number): number => first + Math.floor(chance() * (to - first));

  return {
    now: () => now,
    at(ms, run) {
      const ahead = Math.min(Math.max(1, Math.ceil(ms)), RING - 1);
      slots[(now + ahead) % RING]!.push(run);
    },
    chance,
    between,
    pick: (list) => list[between(0, list.length)]!,
    run(untilMs, done = () => false) {
      while (now < untilMs && !done()) {
        now += 1;
        const due = slots[now % RING]!;
        if (due.length === 0) continue;
        slots[now % RING] = [];
        for (const run of due) run();
      }
    },
  };
}
