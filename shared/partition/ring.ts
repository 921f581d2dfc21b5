import { createRequire } from 'node:module';

/** What is used of the package `hashring`, which is CommonJS without types. */
type HashRing = new (servers: readonly string[]) => { range(key: string, size: number): readonly string[] };

const HashRing = createRequire(import.meta.url)('hashring') as HashRing;

type Ring = (key: string) => readonly string[];

/** Everybody computes the same ring of the same members again and again. */
const made = new Map<string, Ring>();
const MOST_KEPT = 100;

/**
 * Says in which order a key prefers the members: the points that follow the key on a ketama ring. A member that comes or
 * goes changes nothing about the order of the others. The order of `members` does not matter.
 */
export function createRing(members: readonly string[]): Ring {
  const sorted = members.toSorted();
  const name = JSON.stringify(sorted);
  const known = made.get(name);
  if (known !== undefined) return known;
  const ring = ringOf(sorted);
  if (made.size >= MOST_KEPT) made.clear();
  made.set(name, ring);
  return ring;
}

function ringOf(members: readonly string[]): Ring {
  if (members.length === 0) return () => [];
  // The package reads `host:port` into a name, and numbers: it gets names that hold neither.
  const names = new Map(members.map((member) => [`w${Buffer.from(member).toString('hex')}`, member]));
  const ring = new HashRing([...names.keys()]);
  return (key) => ring.range(key, names.size).map((name) => names.get(name)!);
}
