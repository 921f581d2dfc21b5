import test from 'ava';
import { on, onRecalled, type Entity } from '#shared/entity/entity.ts';
import type { CommittedRuns } from '#shared/entity/options.ts';
import { add, added, createWorld, type Tally } from '#test/support/engine-world.ts';

/** It adds a number once in its life, and keeps nothing in its document to know that by. */
const once: Partial<Entity<Tally>> = {
  handlers: [
    onRecalled(
      add,
      (_state, { tally, n }) => [`${tally}-${n}`],
      (state, { tally, n }, { answer, recorded }) => {
        const id = `${tally}-${n}`;
        const isKnown = recorded(id) !== undefined;
        const total = (state?.total ?? 0) + (isKnown ? 0 : n);
        const journal = isKnown ? [] : [{ id, n }];
        return { state: { total, seen: [] }, journal, send: [answer(added, { total })] };
      },
    ),
  ],
};

/** A store that counts its reads of the journal, and a history of commits. */
function counted(world: ReturnType<typeof createWorld>) {
  const reads: number[] = [];
  const commits: number[] = [];
  const store = {
    ...world.store,
    records: (ids: readonly string[]) => (reads.push(ids.length), world.store.records(ids)),
  };
  const history = ({ messages }: CommittedRuns) => void commits.push(messages.length);
  return { reads, commits, options: { store, history } };
}

test('what a handler has to know is read for all messages of a key at once, and they are committed at once', async (t) => {
  const world = createWorld(undefined, { entity: once });
  const { reads, commits, options } = counted(world);
  const engine = world.engine('tally', options);
  for (let n = 1; n <= 50; n += 1) world.put('a', n);
  await world.clock.during(engine.start());
  await world.clock.until(() => world.waiting() === 0);
  t.is(world.total('a'), (50 * 51) / 2);
  t.true(reads.length <= 3, `${reads.length} reads`);
  t.true(commits.length <= 3, `${commits.length} commits`);
});

test('a record is known while it rides in the document, after it left it, and to another engine', async (t) => {
  const world = createWorld(undefined, { entity: once });
  const engine = world.engine();
  await world.clock.during(engine.start());
  let copies = 0;
  const again = (n: number): void => world.put('a', n, { id: `a:${n}:${(copies += 1)}` });
  for (let round = 0; round < 20; round += 1) {
    for (const n of [1, round + 2, 1, round + 1]) again(n);
    if (round % 3 === 0) await world.clock.until(() => world.waiting() === 0);
  }
  await world.clock.until(() => world.waiting() === 0);
  const sum = (21 * 22) / 2;
  t.is(world.total('a'), sum);

  await world.clock.during(engine.drain(1000));
  const other = world.engine('another');
  await world.clock.during(other.start());
  for (let n = 1; n <= 21; n += 1) again(n);
  await world.clock.until(() => world.waiting() === 0);
  t.is(world.total('a'), sum);
});

test('a look-up that fails is tried again, and its key alone waits for it', async (t) => {
  const both = { handlers: once.handlers! };
  const world = createWorld(undefined, { entity: both });
  let isDown = true;
  const engine = world.engine('tally', {
    store: {
      ...world.store,
      async records(ids) {
        if (isDown && ids.some((id) => id.startsWith('a-'))) throw new Error('down');
        return world.store.records(ids);
      },
    },
  });
  await world.clock.during(engine.start());
  world.put('a', 1);
  world.put('b', 2);
  await world.clock.advance(1000);
  t.deepEqual([world.total('a'), world.total('b')], [undefined, 2]);
  isDown = false;
  await world.clock.until(() => world.waiting() === 0);
  t.is(world.total('a'), 1);
});

test('a handler that asks on with what was found is asked until it knows enough', async (t) => {
  const seen: unknown[] = [];
  const chain: Partial<Entity<Tally>> = {
    handlers: [
      onRecalled(
        add,
        (_state, _body, recorded) => {
          const first = recorded('r0');
          return first === undefined ? ['r0'] : ['r0', String(first['next'])];
        },
        (_state, _body, { answer, recorded }) => {
          seen.push(recorded('r7'));
          return { state: { total: 1, seen: [] }, send: [answer(added, { total: 1 })] };
        },
      ),
    ],
  };
  const world = createWorld(undefined, { entity: chain });
  await world.store.append([
    { id: 'r0', next: 'r7' },
    { id: 'r7', n: 7 },
  ]);
  const engine = world.engine();
  await world.clock.during(engine.start());
  world.put('a', 1);
  await world.clock.until(() => world.waiting() === 0);
  t.deepEqual(seen, [{ id: 'r7', n: 7 }]);
});

// @ts-expect-error a handler of another body
onRecalled(add, (_state: unknown, body: { other: string }) => [body.other], on(add, () => ({ state: 1 })).handle);
