/**
 * A standby for each partition that is not its owner: floor or ceil of partitions / members for everybody, those who
 * own less standing by for more, and as many as possible as they were. None when there is one member only.
 */
export function spreadStandbys({
  before,
  owners,
  members,
  preferences,
}: {
  readonly before: readonly ({ readonly standby?: string } | undefined)[];
  readonly owners: readonly string[];
  readonly members: readonly string[];
  /** By partition: the members, the one that the ring prefers first. */
  readonly preferences: readonly (readonly string[])[];
}): readonly (string | undefined)[] {
  const standbys: (string | undefined)[] = owners.map(() => undefined);
  if (members.length < 2) return standbys;
  const room = roomOf(before, owners, members);
  const held = new Map<string, number[]>(members.map((member) => [member, []]));

  function set(index: number, member: string): void {
    const former = standbys[index];
    if (former !== undefined)
      held.set(
        former,
        held.get(former)!.filter((other) => other !== index),
      );
    held.get(member)!.push(index);
    standbys[index] = member;
  }

  /** How much of this owner's would fall to the member at once: one owner's partitions are to go to several. */
  const shares = (member: string, index: number): number =>
    held.get(member)!.filter((other) => owners[other] === owners[index]).length;

  /** Kuhn's augmenting path: who is full hands one of its partitions on. Somebody always can: what one owns and may stand by for is at most all. */
  function fill(index: number, asked: Set<string>): boolean {
    for (const member of preferences[index]!.toSorted((a, b) => shares(a, index) - shares(b, index))) {
      if (member === owners[index] || asked.has(member)) continue;
      asked.add(member);
      const theirs = held.get(member)!.toSorted((a, b) => a - b);
      if (theirs.length >= room.get(member)! && !theirs.some((other) => fill(other, asked))) continue;
      set(index, member);
      return true;
    }
    return false;
  }

  for (const [index, place] of before.entries()) {
    const kept = place?.standby;
    if (kept === undefined || kept === owners[index]) continue;
    if ((held.get(kept)?.length ?? Infinity) < (room.get(kept) ?? 0)) set(index, kept);
  }
  for (const index of owners.keys()) if (standbys[index] === undefined) fill(index, new Set());
  return standbys;
}

function roomOf(
  before: readonly ({ readonly standby?: string } | undefined)[],
  owners: readonly string[],
  members: readonly string[],
): ReadonlyMap<string, number> {
  const floor = Math.floor(owners.length / members.length);
  const extras = owners.length % members.length;
  const count = (names: readonly (string | undefined)[], member: string): number =>
    names.filter((name) => name === member).length;
  const had = before.map((place) => place?.standby);
  const byNeed = members.toSorted(
    (a, b) => count(owners, a) - count(owners, b) || count(had, b) - count(had, a) || (a < b ? -1 : 1),
  );
  return new Map(byNeed.map((member, rank) => [member, rank < extras ? floor + 1 : floor]));
}
