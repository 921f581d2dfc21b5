import type { Clock } from '#shared/clock.ts';

/** One timer for all whose time comes at about the same time. */
export interface Alarms<Item> {
  /** Rings `item` when `at` has `elapsed`, or up to `STEP_MS` later. */
  set(item: Item, at: number): { cancel(): void };
  clear(): void;
}

const STEP_MS = 10;

/** Of thousands of items few ever ring: to set and to cancel one costs no timer of its own. */
export function createAlarms<Item>(clock: Pick<Clock, 'elapsed' | 'after'>, ring: (item: Item) => void): Alarms<Item> {
  const slots = new Map<number, { readonly items: Set<Item>; readonly cancel: () => void }>();

  function open(at: number): { readonly items: Set<Item>; readonly cancel: () => void } {
    const items = new Set<Item>();
    const cancel = clock.after(Math.max(0, at - clock.elapsed()), () => {
      slots.delete(at);
      for (const item of items) ring(item);
    });
    const slot = { items, cancel };
    slots.set(at, slot);
    return slot;
  }

  return {
    set(item, exactly) {
      const at = Math.ceil(exactly / STEP_MS) * STEP_MS;
      const slot = slots.get(at) ?? open(at);
      slot.items.add(item);
      return {
        cancel() {
          slot.items.delete(item);
          if (slot.items.size > 0 || slots.get(at) !== slot) return;
          slot.cancel();
          slots.delete(at);
        },
      };
    },
    clear() {
      for (const { cancel } of slots.values()) cancel();
      slots.clear();
    },
  };
}
