/** How many events each participant has counted, by its name. One that is absent has counted none. (Fidge 1988, Mattern 1989.) */
export type VectorClock = Readonly<Record<string, number>>;

/** `before`: everything that `a` knows of, `b` knows of too, and more. `concurrent`: each knows of something that the other does not. */
export type ClockOrder = 'before' | 'after' | 'concurrent' | 'equal';

/** The clock after one more event of this participant. */
export function tick(clock: VectorClock, participant: string): VectorClock {
  return { ...clock, [participant]: countOf(clock, participant) + 1 };
}

/** What is known by whoever knows of both. */
export function merge(a: VectorClock, b: VectorClock): VectorClock {
  const merged: Record<string, number> = { ...a };
  for (const name of Object.keys(b)) merged[name] = Math.max(countOf(a, name), countOf(b, name));
  return merged;
}

/** How `a` stands to `b`. */
export function compare(a: VectorClock, b: VectorClock): ClockOrder {
  const isWithin = covers(b, a);
  if (covers(a, b)) return isWithin ? 'equal' : 'after';
  return isWithin ? 'before' : 'concurrent';
}

/** Whether everything that `b` knows of is known to `a`: it is after `b`, or equal. */
export function covers(a: VectorClock, b: VectorClock): boolean {
  return Object.keys(b).every((name) => countOf(a, name) >= countOf(b, name));
}

function countOf(clock: VectorClock, name: string): number {
  return Object.hasOwn(clock, name) ? (clock[name] ?? 0) : 0;
}
