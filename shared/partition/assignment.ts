import { createRing } from './ring.ts';
import { spreadStandbys } from './standbys.ts';

export interface PartitionPlace {
  readonly owner: string;
  /** Takes over when the owner's connection ends. Missing when the owner is the only member. */
  readonly standby?: string;
}

/** Who owns which partition of a route. */
export interface Table {
  /** From 1, one more with every change. */
  readonly version: number;
  /** Sorted. With more members than partitions some own nothing. */
  readonly members: readonly string[];
  /** By partition index; empty when there is no member. */
  readonly partitions: readonly PartitionPlace[];
}

/**
 * The table that follows `previous` for these members; the same object when nothing changes. Everybody owns floor or ceil of
 * partitions / members, with as few moves as that allows: a newcomer only receives, and only a leaver's partitions move. The
 * standby of a lost owner comes first as its successor. Standbys are spread as evenly and are never the owner. The
 * result depends on nothing else, so that everybody who computes it gets the same.
 */
export function assign(previous: Table | undefined, members: readonly string[], partitionCount: number): Table {
  const sorted = [...new Set(members)].toSorted();
  const partitions = sorted.length === 0 ? [] : place(previous?.partitions ?? [], sorted, partitionCount);
  if (previous !== undefined && same(previous, sorted, partitions)) return previous;
  return { version: (previous?.version ?? 0) + 1, members: sorted, partitions };
}

function same(table: Table, members: readonly string[], partitions: readonly PartitionPlace[]): boolean {
  return (
    table.members.length === members.length &&
    table.members.every((member, index) => member === members[index]) &&
    table.partitions.length === partitions.length &&
    table.partitions.every(
      ({ owner, standby }, index) => owner === partitions[index]!.owner && standby === partitions[index]!.standby,
    )
  );
}

function place(
  previous: readonly PartitionPlace[],
  members: readonly string[],
  partitionCount: number,
): readonly PartitionPlace[] {
  const ring = createRing(members);
  const before = Array.from({ length: partitionCount }, (_, index) => previous[index]);
  const preferences = before.map((_, index) => ring(String(index)));
  const owners = chooseOwners(before, members, preferences);
  const standbys = spreadStandbys({ before, owners, members, preferences });
  return owners.map((owner, index) => {
    const standby = standbys[index];
    return standby === undefined ? { owner } : { owner, standby };
  });
}

type Preferences = readonly (readonly string[])[];

function chooseOwners(
  before: readonly (PartitionPlace | undefined)[],
  members: readonly string[],
  preferences: Preferences,
): readonly string[] {
  const floor = Math.floor(before.length / members.length);
  const owners: (string | undefined)[] = before.map(() => undefined);
  const owned = new Map(members.map((member) => [member, 0]));
  /** How many members may still own one more than `floor`. */
  let extras = before.length % members.length;

  function give(index: number, member: string): boolean {
    const count = owned.get(member);
    if (count === undefined || count > floor || (count === floor && extras === 0)) return false;
    if (count === floor) extras -= 1;
    owned.set(member, count + 1);
    owners[index] = member;
    return true;
  }

  const had = Map.groupBy(before.keys(), (index) => before[index]?.owner);
  // Those who have more than `floor` keep the one more as long as there are extras; what they keep is what the ring would give them.
  for (const member of members) {
    const indexes = had.get(member) ?? [];
    const rank = (index: number): number => preferences[index]!.indexOf(member);
    for (const index of indexes.toSorted((a, b) => rank(a) - rank(b) || a - b)) give(index, member);
  }
  const lost = (index: number): boolean => !owned.has(before[index]?.owner ?? '');
  const free = [...before.keys()].filter((index) => owners[index] === undefined);
  const inOrder = [...free.filter(lost), ...free.filter((index) => !lost(index))];
  for (const index of inOrder) give(index, before[index]?.standby ?? '');
  for (const index of inOrder) {
    if (owners[index] === undefined) preferences[index]!.some((member) => give(index, member));
  }
  return owners as readonly string[];
}
