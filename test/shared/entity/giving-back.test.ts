import test from 'ava';
import type { EntityStore } from '#shared/entity/store.ts';
import { createWorld, TTL_MS, type Tally } from '#test/support/engine-world.ts';

const EXPIRED = 'tally.expired';

test('an engine whose store hangs gives everything back, and it expires where it is seen', async (t) => {
  const world = createWorld();
  const store: EntityStore<Tally> = { ...world.store, load: () => new Promise(() => {}) };
  await world.clock.during(world.engine('tally', { store }).start());
  const start = world.clock.now();
  for (let n = 1; n <= 20; n += 1) world.put(`k${n}`, n);
  await world.clock.until(() => world.broker.queue(EXPIRED).ready.length === 20, 60_000);
  t.true(world.clock.now() - start <= 2 * TTL_MS + 1000, `seen after ${world.clock.now() - start} ms`);
  t.is(world.waiting(), 0);
});

test('when the store works again, so does the engine', async (t) => {
  const world = createWorld();
  let down = true;
  const store: EntityStore<Tally> = {
    ...world.store,
    load: (keys) => (down ? Promise.reject(new Error('down')) : world.store.load(keys)),
  };
  await world.clock.during(world.engine('tally', { store }).start());
  world.put('a', 1);
  await world.clock.until(() => world.broker.queue(EXPIRED).ready.length === 1, 60_000);
  down = false;
  world.put('a', 2);
  await world.clock.until(() => world.total('a') === 2, 60_000);
  t.deepEqual(world.runs, ['a:2']);
});

test('an engine that works, however slowly, gives nothing back', async (t) => {
  const world = createWorld((_n, context) => world.clock.sleep(2000, context.signal));
  await world.clock.during(world.engine('tally').start());
  for (let n = 1; n <= 4; n += 1) world.put('a', n);
  await world.clock.until(() => world.waiting() === 0, 60_000);
  t.deepEqual(world.store.documents.get('a')?.state?.seen, [1, 2, 3, 4]);
  t.deepEqual(world.runs, ['a:1', 'a:2', 'a:3', 'a:4']);
});

test('an idle engine keeps its channels', async (t) => {
  const world = createWorld();
  const engine = world.engine('tally');
  await world.clock.during(engine.start());
  await world.clock.advance(10 * TTL_MS);
  t.true(engine.ready);
  world.put('a', 1);
  await world.clock.until(() => world.total('a') === 1);
});
