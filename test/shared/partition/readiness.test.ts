import test from 'ava';
import { createReadiness } from '#shared/partition/readiness.ts';
import { createVirtualClock } from '#test/support/virtual-clock.ts';
import { createWorkersWorld } from './workers-world.ts';

function world() {
  const clock = createVirtualClock();
  const registered = new Set<number>();
  const readiness = createReadiness({ clock, graceMs: 5000, registered: (index) => registered.has(index) });
  return { clock, registered, readiness };
}

test('who joins is ready when everything of its own is registered, not before', async (t) => {
  const { clock, registered, readiness } = world();
  t.false(readiness.ready);
  readiness.assigned([0, 1]);
  registered.add(0);
  await clock.advance(100);
  t.false(readiness.ready);
  registered.add(1);
  t.true(readiness.ready);
});

test('what is assigned later may take its time to be registered, but not for ever', async (t) => {
  const { clock, registered, readiness } = world();
  readiness.assigned([]);
  t.true(readiness.ready);
  readiness.assigned([0]);
  t.true(readiness.ready);
  await clock.advance(4999);
  t.true(readiness.ready);
  await clock.advance(1);
  t.false(readiness.ready);
  registered.add(0);
  t.true(readiness.ready);
});

test('a registration that is lost counts at once, also within the grace', (t) => {
  const { registered, readiness } = world();
  readiness.assigned([]);
  readiness.look();
  readiness.assigned([0]);
  registered.add(0);
  readiness.look();
  registered.delete(0);
  t.false(readiness.ready);
});

test('who is no member is not ready, and anew only with everything registered', (t) => {
  const { registered, readiness } = world();
  readiness.assigned([]);
  t.true(readiness.ready);
  readiness.assigned(undefined);
  t.false(readiness.ready);
  readiness.assigned([0]);
  t.false(readiness.ready);
  registered.add(0);
  t.true(readiness.ready);
});

test('workers that were ready stay so while others come and drain', async (t) => {
  const world = createWorkersWorld({ latencyMs: 8 });
  const [a, b] = ['a', 'b'].map((name) => world.start(name));
  await world.calm();
  const flaps: string[] = [];
  const watch = (names: readonly (typeof a)[]) =>
    world.watch(2500, (passed) => {
      for (const one of names) if (one?.worker.ready !== true) flaps.push(`${one?.name} at ${passed}`);
    });
  const c = world.start('c');
  await watch([a, b]);
  await world.calm();
  const draining = world.drain(a!);
  await watch([b, c]);
  await draining;
  t.deepEqual(flaps, []);
});

test('a worker whose channels end is not ready until it has registered again', async (t) => {
  const world = createWorkersWorld({ latencyMs: 8 });
  const a = world.start('a');
  await world.calm();
  world.broker.dropConnection('a#1', { kind: 'consume' });
  t.false(a.worker.ready);
  await world.calm();
  t.true(a.worker.ready);
});
