import test from 'ava';
import { bytesOf } from '#shared/entity/document.ts';
import { on, type Entity } from '#shared/entity/entity.ts';
import type { EntityStore } from '#shared/entity/store.ts';
import { add, createWorld, type Tally } from '#test/support/engine-world.ts';

const CACHE_BYTES = 1024 * 1024;

/** About what an order of 100 items takes. */
const large: Partial<Entity<Tally>> = {
  handlers: [
    on(add, (state, { n }) => ({
      state: { total: (state?.total ?? 0) + n, seen: Array.from({ length: 100 }, (_, item) => 1e12 + item) },
    })),
  ],
};

test('documents of 100 items take no more memory than the cache may have, however many there are', async (t) => {
  const world = createWorld(undefined, { entity: large, limits: { cacheBytes: CACHE_BYTES } });
  let loads = 0;
  const store: EntityStore<Tally> = {
    ...world.store,
    load(keys) {
      loads += keys.length;
      return world.store.load(keys);
    },
  };
  const engine = world.engine('tally', { store });
  await world.clock.during(engine.start());
  let most = 0;
  for (let n = 1; n <= 1500; n += 1) {
    world.put(`k${n}`, n);
    if (n % 50 > 0) continue;
    await world.clock.until(() => world.waiting() === 0);
    most = Math.max(most, engine.cached.bytes);
  }
  t.true(most <= CACHE_BYTES, `${most} bytes`);
  const one = bytesOf(world.store.documents.get('k1500'));
  t.true(1500 * one > 2 * CACHE_BYTES, 'all of them would not fit');
  // The figure is near the truth: what is kept is what documents of this size make of it.
  t.true(engine.cached.keys * one > CACHE_BYTES / 4, `${engine.cached.keys} documents of ${one} bytes are kept`);
  t.true(engine.cached.keys * one <= engine.cached.bytes);
  t.is(loads, 1500);
  world.put('k1', 1501);
  world.put('k1500', 1502);
  await world.clock.until(() => world.waiting() === 0);
  t.is(loads, 1501, 'the oldest was loaded again, the newest was there');
  t.is(world.total('k1'), 1502);
});

test('keys that are in use for long do not keep others in memory', async (t) => {
  const world = createWorld((n, context) => (n === 1 ? world.clock.sleep(2300, context.signal) : undefined), {
    limits: { cacheSize: 200 },
  });
  const engine = world.engine();
  await world.clock.during(engine.start());
  for (let n = 1; n <= 150; n += 1) world.put(`slow${n}`, 1);
  await world.clock.advance(50);
  for (let n = 1; n <= 1000; n += 1) {
    world.put(`k${n}`, 2);
    if (n % 50 === 0) await world.clock.advance(20);
  }
  t.is(world.total('slow150'), undefined, 'they are still in use');
  t.is(world.total('k1000'), 2);
  t.true(engine.cached.keys <= 200, `${engine.cached.keys} keys`);
});
