import test from 'ava';
import { dead } from '#shared/bus/topology/topology.ts';
import { on, type Entity } from '#shared/entity/entity.ts';
import { add, added, createWorld, TTL_MS, type Tally } from '#test/support/engine-world.ts';

const LIMIT_MS = 5 * 60_000;

/** Each `add` takes `takes(n, attempt)` ms. */
function slow(takes: (n: number, attempt: number) => number) {
  const world: ReturnType<typeof createWorld> = createWorld(undefined, {
    entity: {
      handlers: [
        on(
          add,
          async (state, { tally, n }, context) => {
            world.runs.push(`${tally}:${n}`);
            const ms = takes(n, context.attempt);
            if (ms > 0) await world.clock.sleep(ms, context.signal);
            const total = (state?.total ?? 0) + n;
            return { state: { total, seen: [...(state?.seen ?? []), n] }, send: [context.answer(added, { total })] };
          },
          { limitMs: LIMIT_MS, retry: { baseMs: 60_000, capMs: 600_000, attempts: 3 } },
        ),
      ],
    } satisfies Partial<Entity<Tally>>,
    limits: { detached: 2 },
  });
  return world;
}

test('an effect that takes two minutes runs once, holds no delivery, and those behind it keep their order', async (t) => {
  const world = slow((n) => (n === 1 ? 120_000 : 0));
  await world.clock.during(world.engine().start());
  for (let n = 1; n <= 3; n += 1) world.put('a', n);
  world.put('b', 2);
  await world.clock.until(() => world.waiting() === 0, TTL_MS / 2);
  t.is(world.total('b'), 2);
  const [head] = world.store.documents.get('a')?.stash ?? [];
  t.is(head?.attempts, 1);
  t.true((head?.leasedUntil ?? 0) > world.clock.now() + LIMIT_MS - TTL_MS);
  world.put('a', 4);
  await world.clock.until(() => world.total('a') === 10, 130_000);
  t.deepEqual(world.store.documents.get('a')?.state?.seen, [1, 2, 3, 4]);
  t.deepEqual(world.runs.filter((run) => run === 'a:1').length, 1);
  await world.clock.until(() => world.store.documents.get('a')?.unsent.length === 0);
  await world.clock.until(() => world.store.documents.get('a')?.dueAt === undefined);
});

test('an effect that ends in time costs no other write', async (t) => {
  const world = slow(() => 1000);
  await world.clock.during(world.engine().start());
  world.put('a', 1);
  await world.clock.until(() => world.waiting() === 0, TTL_MS);
  t.is(world.store.documents.get('a')?.version, 1);
});

test('a long effect that fails is tried again after a time of its own, and so many times', async (t) => {
  const world = slow(() => 10 * LIMIT_MS);
  await world.clock.during(world.engine().start());
  world.put('a', 1);
  await world.clock.until(() => world.store.documents.get('a')?.stash[0]?.lastError !== undefined, 2 * LIMIT_MS);
  const [head] = world.store.documents.get('a')?.stash ?? [];
  t.is(head?.attempts, 1);
  t.is(head?.leasedUntil, undefined);
  t.true((head?.nextTryAt ?? 0) >= world.clock.now() + 29_000);
  await world.clock.until(() => world.broker.queue(dead('tally')).ready.length === 1, 10 * LIMIT_MS);
  t.is(world.runs.length, 3);
  t.is(world.store.documents.get('a')?.stash.length, 0);
});

test('who takes over from a worker that died in a long effect waits until that has surely ended', async (t) => {
  const world = slow((_n, attempt) => (attempt === 1 ? 10 * LIMIT_MS : 0));
  await world.clock.during(world.engine('one').start());
  const start = world.clock.now();
  world.put('a', 1);
  await world.clock.until(() => world.store.documents.get('a')?.stash.length === 1, TTL_MS);
  world.broker.dropConnection('one', { stayDown: true });
  await world.clock.during(world.engine('two').start());
  await world.clock.until(() => world.total('a') === 1, 2 * LIMIT_MS);
  t.true(world.clock.now() - start >= LIMIT_MS);
});

test('no more long effects go on at once than allowed; the next ones wait in their documents', async (t) => {
  const world = slow(() => 60_000);
  await world.clock.during(world.engine().start());
  for (const key of ['a', 'b', 'c', 'd']) {
    world.put(key, 1);
    await world.clock.until(() => world.waiting() === 0, TTL_MS);
  }
  t.is(world.runs.length, 2);
  await world.clock.until(() => ['a', 'b', 'c', 'd'].every((key) => world.total(key) === 1), 300_000);
  t.is(world.runs.length, 4);
});

test('draining waits for a long effect and writes what came of it', async (t) => {
  const world = slow(() => 20_000);
  const engine = world.engine();
  await world.clock.during(engine.start());
  world.put('a', 1);
  await world.clock.until(() => world.waiting() === 0, TTL_MS);
  await world.clock.during(engine.drain(60_000));
  t.is(world.total('a'), 1);
});

test('what a long effect that outlives its channel has learned of a key is not believed when the key comes back', async (t) => {
  const world = slow((n) => (n === 1 ? 60_000 : 0));
  await world.clock.during(world.engine('one').start());
  world.put('a', 1);
  await world.clock.until(() => world.waiting() === 0, TTL_MS / 2);
  world.broker.dropConnection('one');
  await world.clock.until(() => world.total('a') === 1, 70_000);
  await world.clock.until(() => world.store.documents.get('a')?.unsent.length === 0);
  const document = world.store.documents.get('a')!;
  const changed = { ...document, version: document.version + 1, state: { total: 10, seen: [1, 9] } };
  await world.store.commit([{ over: document.version, document: changed }]);
  world.put('a', 2);
  await world.clock.until(() => world.total('a') === 12, 1000);
  t.deepEqual(world.runs, ['a:1', 'a:2'], 'it ran once, on what is stored');
});
