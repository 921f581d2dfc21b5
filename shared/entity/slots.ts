/** How many keys' handlers may be at work at once; the others wait their turn, first come, first served. */
export interface Slots<Box> {
  /** Whether another may begin; who may not is called when it may. */
  free(box: Box): boolean;
  /** Takes a slot. The function gives it back, once. */
  take(): () => void;
  /** When one was last given back, epoch ms. */
  readonly movedAt: number;
}

export function createSlots<Box>(limit: number, now: () => number, call: (box: Box) => void): Slots<Box> {
  let held = 0;
  let movedAt = now();
  const waiting = new Set<Box>();

  function give(): void {
    held -= 1;
    movedAt = now();
    for (const box of waiting) {
      if (held >= limit) break;
      waiting.delete(box);
      call(box);
    }
  }

  return {
    free(box) {
      if (held < limit) return true;
      waiting.add(box);
      return false;
    },
    take() {
      held += 1;
      let isHeld = true;
      return () => {
        if (!isHeld) return;
        isHeld = false;
        give();
      };
    },
    get movedAt() {
      return movedAt;
    },
  };
}
