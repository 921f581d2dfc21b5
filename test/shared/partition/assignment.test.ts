import test from 'ava';
import fc from 'fast-check';
import { assign, type Table } from '#shared/partition/assignment.ts';

const POOL = ['a-1', 'b-2', 'c-3', 'd-4', 'e-5', 'f-6', 'g-7', 'h-8', 'i-9'];
const members = fc.subarray(POOL, { minLength: 1 });
const partitionCount = fc.integer({ min: 1, max: 24 });
/** Any table that may have been written before, also by another version of the rules. */
const anyTable = fc
  .tuple(fc.subarray(POOL, { minLength: 1 }), fc.array(fc.tuple(fc.nat(), fc.nat()), { maxLength: 24 }))
  .map(([names, picks]): Table => ({
    version: 7,
    members: names,
    partitions: picks.map(([owner, standby]) => {
      const place = { owner: names[owner % names.length]!, standby: names[standby % names.length]! };
      return place.standby === place.owner ? { owner: place.owner } : place;
    }),
  }));
/** One that the rules made. */
const madeTable = fc
  .tuple(fc.array(members, { minLength: 1, maxLength: 4 }), partitionCount)
  .map(([steps, count]) => steps.reduce<Table | undefined>((table, names) => assign(table, names, count), undefined)!);
const before = fc.oneof(anyTable, madeTable, fc.constant(undefined));

const owners = (table: Table): readonly string[] => table.partitions.map(({ owner }) => owner);
const counts = (names: readonly (string | undefined)[], all: readonly string[]): readonly number[] =>
  all.map((member) => names.filter((name) => name === member).length);
const moved = (one: Table, other: Table): readonly number[] =>
  [...other.partitions.keys()].filter((index) => one.partitions[index]?.owner !== other.partitions[index]!.owner);

function even(values: readonly number[]): boolean {
  return Math.max(...values) - Math.min(...values) <= 1;
}

function holds(name: string, property: fc.IRawProperty<unknown>, numRuns = 300): void {
  test(name, (t) => {
    t.notThrows(() => fc.assert(property as fc.IProperty<unknown>, { numRuns }));
  });
}

holds(
  'everybody owns floor or ceil of partitions / members, and stands by for as many of others',
  fc.property(before, members, partitionCount, (previous, names, count) => {
    const table = assign(previous, names, count);
    if (table.partitions.length !== count) return false;
    if (!table.partitions.every(({ owner }) => names.includes(owner))) return false;
    if (!even(counts(owners(table), names))) return false;
    const standbys = table.partitions.map(({ standby }) => standby);
    if (names.length === 1) return standbys.every((standby) => standby === undefined);
    return (
      table.partitions.every(
        ({ owner, standby }) => standby !== undefined && names.includes(standby) && standby !== owner,
      ) && even(counts(standbys, names))
    );
  }),
);

holds(
  'the same input gives the same table, in whatever order the members are listed, and nothing changed gives the same object',
  fc.property(before, members, partitionCount, (previous, names, count) => {
    const table = assign(previous, names, count);
    const again = assign(previous, [...names.toReversed(), ...names], count);
    return (
      JSON.stringify(again) === JSON.stringify(table) &&
      assign(table, names, count) === table &&
      (table === previous || table.version === (previous?.version ?? 0) + 1)
    );
  }),
);

/** Of all even ways to give `count` partitions to `names`, the fewest that change hands: tries every one. */
function fewestMoves(previous: Table | undefined, names: readonly string[], count: number): number {
  let fewest = Infinity;
  const given = Array.from({ length: names.length }, () => 0);
  function next(index: number, moves: number): void {
    if (moves >= fewest) return;
    if (index === count) {
      if (even(given)) fewest = moves;
      return;
    }
    for (const [at, name] of names.entries()) {
      given[at]! += 1;
      next(index + 1, moves + (previous?.partitions[index]?.owner === name ? 0 : 1));
      given[at]! -= 1;
    }
  }
  next(0, 0);
  return fewest;
}

holds(
  'as few partitions move as an even table allows',
  fc.property(
    before,
    fc.subarray(POOL, { minLength: 1, maxLength: 4 }),
    fc.integer({ min: 1, max: 6 }),
    (previous, names, count) => {
      const table = assign(previous, names, count);
      const none: Table = { version: 0, members: [], partitions: [] };
      return moved(previous ?? none, table).length === fewestMoves(previous, names, count);
    },
  ),
  200,
);

holds(
  'when a member joins, only partitions that move to it move',
  fc.property(madeTable, fc.nat(), (table, pick) => {
    const others = POOL.filter((name) => !table.members.includes(name));
    const joiner = others[pick % others.length];
    if (joiner === undefined) return true;
    const after = assign(table, [...table.members, joiner], table.partitions.length);
    return moved(table, after).every((index) => after.partitions[index]!.owner === joiner);
  }),
);

holds(
  'when a member goes, only its partitions move, and to whoever stood by for them where that is even',
  fc.property(madeTable, fc.nat(), (table, pick) => {
    const gone = table.members[pick % table.members.length]!;
    const rest = table.members.filter((name) => name !== gone);
    if (rest.length === 0) return true;
    const after = assign(table, rest, table.partitions.length);
    return moved(table, after).every((index) => {
      const { owner, standby } = table.partitions[index]!;
      const successor = after.partitions[index]!.owner;
      const full = counts(owners(after), [standby!])[0]! >= Math.floor(table.partitions.length / rest.length);
      return owner === gone && (successor === standby || full);
    });
  }),
);

test('a fifth worker to four with eight partitions: what moves, moves to it; its going moves only its own', (t) => {
  const four = assign(undefined, ['a', 'b', 'c', 'd'], 8);
  const five = assign(four, ['a', 'b', 'c', 'd', 'e'], 8);
  t.is(moved(four, five).length, 1);
  t.true(moved(four, five).every((index) => five.partitions[index]!.owner === 'e'));
  t.deepEqual(moved(five, assign(five, ['a', 'b', 'c', 'd'], 8)), moved(four, five));
});

test('a single member owns everything and nobody stands by', (t) => {
  const table = assign(undefined, ['only'], 3);
  t.deepEqual(table, {
    version: 1,
    members: ['only'],
    partitions: [{ owner: 'only' }, { owner: 'only' }, { owner: 'only' }],
  });
});

test('with more members than partitions the others stand by before anybody does twice', (t) => {
  const table = assign(undefined, ['a', 'b', 'c', 'd'], 2);
  t.is(new Set(table.partitions.flatMap(({ owner, standby }) => [owner, standby])).size, 4);
});

test('without members nothing is assigned, and the next members start anew', (t) => {
  const one = assign(undefined, ['a'], 2);
  const none = assign(one, [], 2);
  t.deepEqual(none, { version: 2, members: [], partitions: [] });
  t.is(assign(none, [], 2), none);
  t.deepEqual(assign(none, ['b'], 2), { version: 3, members: ['b'], partitions: [{ owner: 'b' }, { owner: 'b' }] });
});
