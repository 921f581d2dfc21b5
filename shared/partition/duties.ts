import type { Announcement, PartitionRegistration } from './announcement.ts';
import type { Table } from './assignment.ts';

/** What I hold of a partition; without `id` while it is not registered at the broker (connection lost). */
export type Held = Partial<PartitionRegistration>;

/** What a living member announced last. */
export interface Peer {
  /** Which assignment it acted by when it said so. */
  readonly tableVersion: number;
  readonly registrations: { readonly [index: string]: PartitionRegistration };
  /** When each of these was first heard of, epoch ms. */
  readonly heardAt: { readonly [index: string]: number };
}

/** A peer as this announcement of it says, remembering since when it is known of what it still has; the same object when it says nothing new. */
export function peerOf(
  before: Peer | undefined,
  { tableVersion, registrations }: Pick<Announcement, 'tableVersion' | 'registrations'>,
  now: number,
): Peer {
  if (before?.tableVersion === tableVersion && JSON.stringify(before.registrations) === JSON.stringify(registrations))
    return before;
  const heardAt = Object.entries(registrations).map(([index, { id }]) => {
    const known = before?.registrations[index]?.id === id ? before.heardAt[index] : undefined;
    return [index, known ?? now] as const;
  });
  return { tableVersion, registrations, heardAt: Object.fromEntries(heardAt) };
}

export type Duty =
  | { readonly take: number; readonly behind?: string }
  /** Give up the registration, after finishing what runs. */
  | { readonly release: number };

export interface Situation {
  readonly me: string;
  readonly table: Table;
  /** What I hold, by partition index. */
  readonly held: ReadonlyMap<number, Held>;
  /** Without me. */
  readonly peers: ReadonlyMap<string, Peer>;
  readonly now: number;
}

/** How long who lost a partition waits for the new standby to line up. */
export const STANDBY_PATIENCE_MS = 1000;

/**
 * What to do next, at most one thing for each partition. The owner is always registered. The standby registers only after
 * it has heard of the owner's registration, and again when that has changed: a single active consumer is the first who
 * registered, and the next one follows. Who is neither stays until the owner is registered and the standby behind it.
 *
 * Nobody gives up a registration unless the owner has announced one *by the very same table*. So a partition that had a consumer
 * is never without one, deaths excepted: the owner by the newest announced table releases it only after the owner by a still
 * newer table has registered. This needs that a worker stops announcing a registration before it releases it.
 */
export function dutiesOf(situation: Situation): readonly Duty[] {
  const { table, held } = situation;
  const indexes = new Set([...table.partitions.keys(), ...held.keys()]);
  return [...indexes].toSorted((a, b) => a - b).flatMap((index) => dutyOf(situation, index) ?? []);
}

function dutyOf({ me, table, held, peers, now }: Situation, index: number): Duty | undefined {
  const place = table.partitions[index];
  const mine = held.get(index);
  if (place === undefined) return mine === undefined ? undefined : { release: index };
  if (place.owner === me) return mine === undefined ? { take: index } : undefined;
  const owner = peers.get(place.owner);
  const owners = owner?.registrations[index]?.id;
  if (owner === undefined || owners === undefined) return undefined;
  const certain = owner.tableVersion === table.version;
  if (place.standby === me) {
    if (mine === undefined) return { take: index, behind: owners };
    // What is not registered yet gets its place in line when it is: the engine may be pausing.
    return certain && mine.id !== undefined && mine.behind !== owners ? { release: index } : undefined;
  }
  if (mine === undefined || !certain) return undefined;
  const linedUp =
    place.standby === undefined ||
    peers.get(place.standby)?.registrations[index]?.behind === owners ||
    now - (owner.heardAt[index] ?? now) >= STANDBY_PATIENCE_MS;
  return linedUp ? { release: index } : undefined;
}
