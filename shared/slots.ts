/** At most `limit` at a time; later ones wait, first come, first served. */
export interface Slots {
  readonly taken: number;
  /** Takes a free slot at once; false: there is none, `wait` for one. */
  tryTake(): boolean;
  /** True: a slot was taken. False: `refuseWaiting` was called first. */
  wait(): Promise<boolean>;
  release(): void;
  refuseWaiting(): void;
  /** Resolves when no slot is taken. */
  idle(): Promise<void>;
}

export function createSlots(limit: number): Slots {
  let taken = 0;
  let waiting: ((taken: boolean) => void)[] = [];
  let idlers: (() => void)[] = [];
  return {
    get taken() {
      return taken;
    },
    tryTake() {
      if (taken >= limit) return false;
      taken += 1;
      return true;
    },
    wait() {
      return new Promise((resolve) => waiting.push(resolve));
    },
    release() {
      const next = waiting.shift();
      if (next) {
        next(true);
        return;
      }
      taken -= 1;
      if (taken === 0) {
        for (const resolve of idlers) resolve();
        idlers = [];
      }
    },
    refuseWaiting() {
      const refused = waiting;
      waiting = [];
      for (const resolve of refused) resolve(false);
    },
    idle() {
      if (taken === 0) return Promise.resolve();
      return new Promise((resolve) => idlers.push(resolve));
    },
  };
}
