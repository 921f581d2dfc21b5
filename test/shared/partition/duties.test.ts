import test from 'ava';
import fc from 'fast-check';
import { createDutiesWorld, type Event } from './duties-world.ts';
import type { Table } from '#shared/partition/assignment.ts';
import { dutiesOf, peerOf, STANDBY_PATIENCE_MS, type Held, type Peer } from '#shared/partition/duties.ts';

const events = fc.array(
  fc.tuple(fc.nat({ max: 99 }), fc.nat({ max: 63 }), fc.nat({ max: 63 }), fc.nat({ max: 1023 })),
  { minLength: 50, maxLength: 400, size: 'max' },
);

for (const deaths of [false, true]) {
  test(`any ${deaths ? 'joins, moves, deaths and lost channels' : 'joins and moves'} end with the owner active and the standby next, and no partition is left without a consumer`, (t) => {
    t.notThrows(() =>
      fc.assert(
        fc.property(fc.integer({ min: 2, max: 5 }), events, (count, happened: Event[]) => {
          const world = createDutiesWorld(count, { deaths });
          for (const event of happened) world.step(event);
          const wrong = [...world.rest(), ...world.emptied];
          if (wrong.length > 0) throw new Error(wrong.join('\n'));
        }),
        { numRuns: 600, interruptAfterTimeLimit: 30_000 },
      ),
    );
  });
}

const table: Table = {
  version: 4,
  members: ['new', 'next', 'old'],
  partitions: [{ owner: 'new', standby: 'next' }, { owner: 'old' }],
};

function duties(
  me: string,
  held: Readonly<Record<number, Held>>,
  peers: Readonly<Record<string, Peer>> = {},
  now = 0,
): ReturnType<typeof dutiesOf> {
  return dutiesOf({
    me,
    table: { ...table, partitions: table.partitions.slice(0, 1) },
    held: new Map(Object.entries(held).map(([index, mine]) => [Number(index), mine])),
    peers: new Map(Object.entries(peers)),
    now,
  });
}

const peer = (id: string | undefined, behind?: string, tableVersion = 4): Peer =>
  peerOf(
    undefined,
    { tableVersion, registrations: id === undefined ? {} : { 0: behind === undefined ? { id } : { id, behind } } },
    0,
  );

test('the owner registers, waiting for nobody, and keeps what it had as a standby', (t) => {
  t.deepEqual(duties('new', {}, { old: peer('o1') }), [{ take: 0 }]);
  t.deepEqual(duties('new', { 0: { id: 'n1', behind: 'o1' } }), []);
  t.deepEqual(duties('new', { 0: {} }), []);
});

test('the standby registers behind the owner, and again when the owner has', (t) => {
  t.deepEqual(duties('next', {}), []);
  t.deepEqual(duties('next', {}, { new: peer(undefined) }), []);
  t.deepEqual(duties('next', {}, { new: peer('n1') }), [{ take: 0, behind: 'n1' }]);
  t.deepEqual(duties('next', { 0: { id: 's1', behind: 'n1' } }, { new: peer('n1') }), []);
  t.deepEqual(duties('next', { 0: { id: 's1', behind: 'n1' } }, { new: peer('n2') }), [{ release: 0 }]);
  t.deepEqual(duties('next', { 0: { id: 's1', behind: 'n1' } }, { new: peer(undefined) }), []);
});

test('who lost a partition keeps it until the owner and the standby behind it are registered', (t) => {
  const mine = { 0: { id: 'o1' } };
  t.deepEqual(duties('old', mine), []);
  t.deepEqual(duties('old', mine, { next: peer('s1', 'n1') }), []);
  t.deepEqual(duties('old', mine, { new: peer('n1') }), []);
  t.deepEqual(duties('old', mine, { new: peer('n1'), next: peer('s1', 'n0') }), []);
  t.deepEqual(duties('old', mine, { new: peer('n1'), next: peer('s1', 'n1') }), [{ release: 0 }]);
});

test('who lost a partition waits one second for the standby', (t) => {
  const mine = { 0: { id: 'o1' } };
  t.deepEqual(duties('old', mine, { new: peer('n1') }, STANDBY_PATIENCE_MS - 1), []);
  t.deepEqual(duties('old', mine, { new: peer('n1') }, STANDBY_PATIENCE_MS), [{ release: 0 }]);
});

test('nothing is given up for an owner that acted by another table', (t) => {
  for (const version of [3, 5]) {
    t.deepEqual(duties('old', { 0: { id: 'o1' } }, { new: peer('n1', undefined, version) }, 10_000), []);
    t.deepEqual(duties('next', { 0: { id: 's1' } }, { new: peer('n1', undefined, version) }), []);
  }
});

test('a partition that nobody is to have is given up', (t) => {
  t.deepEqual(duties('old', { 7: { id: 'o1' } }), [{ release: 7 }]);
});

test('a registration is as old as its id', (t) => {
  const first = peerOf(undefined, { tableVersion: 1, registrations: { 0: { id: 'a' }, 1: { id: 'b' } } }, 10);
  const then = peerOf(first, { tableVersion: 2, registrations: { 0: { id: 'a' }, 1: { id: 'c' } } }, 20);
  t.deepEqual(then.heardAt, { 0: 10, 1: 20 });
});
