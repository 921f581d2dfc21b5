/** How many keys' handlers may be at work at once; the others wait their turn, first come, first served. */
export interface Slots<Box> {
  /** Whether another may begin; who may not is called when it may. */
  free(box: Box): boolean;
  /** Takes a slot until `work` is done. */
  hold<T>(work: Promise<T>): Promise<T>;
}

export function createSlots<Box>(limit: number, call: (box: Box) => void): Slots<Box> {
  let held = 0;
  const waiting = new Set<Box>();

  return {
    free(box) {
      if (held < limit) return true;
      waiting.add(box);
      return false;
    },
    async hold(work) {
      held += 1;
      try {
        return await work;
      } finally {
        held -= 1;
        for (const box of waiting) {
          if (held >= limit) break;
          waiting.delete(box);
          call(box);
        }
      }
    },
  };
}
