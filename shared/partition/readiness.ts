import type { Clock } from '#shared/clock.ts';

export interface WorkerReadiness {
  /** What the newest table makes me the owner of, by partition index; `undefined`: it does not name me. */
  assigned(owned: readonly number[] | undefined): void;
  /** Something was registered, or is no longer. */
  look(): void;
  /**
   * Registered wherever I am the owner. Once that was so it stays so for `graceMs` while what was assigned since then is being
   * registered: a hand-over is no trouble. What was registered and is so no longer counts at once.
   */
  readonly ready: boolean;
}

export function createReadiness(options: {
  readonly clock: Pick<Clock, 'now'>;
  readonly graceMs: number;
  readonly registered: (index: number) => boolean;
}): WorkerReadiness {
  const { clock, graceMs, registered } = options;
  let owned: readonly number[] | undefined;
  let complete = false;
  /** Assigned and never registered since; when it was assigned. */
  const awaited = new Map<number, number>();

  function look(): void {
    for (const index of awaited.keys()) if (registered(index)) awaited.delete(index);
    if (owned?.every(registered)) complete = true;
  }

  return {
    look,
    assigned(next) {
      const before = new Set(owned);
      owned = next;
      if (owned === undefined) complete = false;
      const current = new Set(owned);
      for (const index of awaited.keys()) if (!current.has(index)) awaited.delete(index);
      for (const index of current) if (!before.has(index)) awaited.set(index, clock.now());
      look();
    },
    get ready() {
      look();
      if (owned === undefined || !complete) return false;
      return owned.every((index) => registered(index) || clock.now() - (awaited.get(index) ?? -Infinity) < graceMs);
    },
  };
}
