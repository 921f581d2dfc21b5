import test from 'ava';
import { dead } from '#shared/bus/topology/topology.ts';
import { on, type Entity } from '#shared/entity/entity.ts';
import { added, add, createWorld, type Tally } from '#test/support/engine-world.ts';

test('a type that is not known is tried for a while, in its place, by whoever comes to know it', async (t) => {
  const old: Partial<Entity<Tally>> = {
    handlers: [],
  };
  const world = createWorld(undefined, { entity: old, limits: { unknownTypeMs: 30_000 } });
  const first = world.engine('one');
  await world.clock.during(first.start());
  world.put('a', 1);
  world.put('a', 2);
  world.put('b', 1, { body: { tally: 'b' } });
  await world.clock.until(() => world.waiting() === 0, 1000);
  await world.clock.during(first.drain(1000));
  const entity: Entity<Tally> = {
    route: 'tally',
    handlers: [
      on(add, (state, { n }, context) => {
        const total = (state?.total ?? 0) + n;
        return { state: { total, seen: [...(state?.seen ?? []), n] }, send: [context.answer(added, { total })] };
      }),
    ],
  };
  await world.clock.during(world.engine('two', { entity }).start());
  await world.clock.until(() => world.total('a') === 3, 20_000);
  t.deepEqual(world.store.documents.get('a')?.state?.seen, [1, 2]);
  await world.clock.until(() => world.broker.queue(dead('tally')).ready.length === 1, 20_000);
  t.regex(String(world.broker.queue(dead('tally')).ready[0]?.headers['dead-reason']), /tally.add: \/n/);
});

test('a key that only ever had a message of an unknown type leaves nothing behind', async (t) => {
  const world = createWorld(undefined, { limits: { unknownTypeMs: 20_000 } });
  await world.clock.during(world.engine().start());
  world.put('new', 1, { type: 'tally.subtract' });
  world.put('used', 1);
  world.put('used', 2, { type: 'tally.subtract' });
  await world.clock.until(() => world.broker.queue(dead('tally')).ready.length === 2, 60_000);
  await world.clock.until(() => world.store.documents.get('new')?.stash.length === 0, 1000);
  const { expiresAt = Infinity } = world.store.documents.get('new') ?? {};
  t.true(expiresAt <= world.clock.now() + 24 * 3_600_000, 'its document is dropped within a day');
  t.is(world.store.documents.get('used')?.expiresAt, undefined);
  world.put('new', 3);
  await world.clock.until(() => world.total('new') === 3, 1000);
  t.is(world.store.documents.get('new')?.expiresAt, undefined, 'it is a key like any other now');
});

test('a type that nobody comes to know is a dead letter after a while, and the label of a metric says unknown', async (t) => {
  const world = createWorld(undefined, { limits: { unknownTypeMs: 20_000 } });
  const types = new Set<string>();
  const meter = {
    handled() {},
    retried: (type: string) => void types.add(type),
    died: (type: string) => void types.add(type),
    committed() {},
  };
  await world.clock.during(world.engine('tally', { meter }).start());
  const start = world.clock.now();
  world.put('a', 1, { type: 'tally.subtract' });
  world.put('a', 2);
  world.put('b', 2);
  await world.clock.until(() => world.total('b') === 2, 1000);
  t.is(world.waiting(), 0);
  await world.clock.until(() => world.total('a') === 2, 60_000);
  t.true(world.clock.now() - start >= 20_000);
  t.regex(String(world.broker.queue(dead('tally')).ready[0]?.headers['dead-reason']), /no handler for tally.subtract/);
  t.deepEqual([...types], ['unknown']);
});
