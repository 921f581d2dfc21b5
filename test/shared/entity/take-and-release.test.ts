import test from 'ava';
import type { CommittedRuns } from '#shared/entity/options.ts';
import { createWorld } from '#test/support/engine-world.ts';

const QUEUES = ['tally.000', 'tally.001', 'tally.002', 'tally.003'];

/** Keys, each with the queue that it lives on. */
function keysByQueue(world: ReturnType<typeof createWorld>): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (let n = 0; found.size < QUEUES.length; n += 1) {
    const before = new Map(QUEUES.map((queue) => [queue, world.broker.queue(queue).ready.length]));
    world.put(`key${n}`, 0);
    const queue = QUEUES.find((name) => world.broker.queue(name).ready.length > (before.get(name) ?? 0));
    if (queue !== undefined && !found.has(queue)) found.set(queue, `key${n}`);
  }
  return found;
}

test('an engine handles what is in the queues that it took, and nothing else', async (t) => {
  const world = createWorld();
  const keys = keysByQueue(world);
  const engine = world.engine('tally', { queues: [] });
  await world.clock.during(engine.start());
  t.true(engine.ready);
  await world.clock.during(engine.take('tally.001'));
  await world.clock.until(() => world.total(keys.get('tally.001') ?? '') === 0);
  t.deepEqual(engine.held(), ['tally.001']);
  await world.clock.advance(1000);
  for (const queue of QUEUES.filter((name) => name !== 'tally.001'))
    t.is(world.total(keys.get(queue) ?? ''), undefined);
});

test('a queue is released after what runs is finished; the next owner goes on where the first one stopped', async (t) => {
  const world = createWorld((_n, context) => world.clock.sleep(300, context.signal));
  const commits: (CommittedRuns & { readonly by: string })[] = [];
  const engines = ['first', 'second'].map((by) =>
    world.engine(by, { queues: [], history: (commit) => commits.push({ ...commit, by }) }),
  );
  const [first, second] = engines as [(typeof engines)[0], (typeof engines)[0]];
  await world.clock.during(Promise.all(engines.map((engine) => engine.start())));
  for (const queue of QUEUES) await world.clock.during(first.take(queue));
  for (const queue of QUEUES) await world.clock.during(second.take(queue));
  for (let n = 1; n <= 30; n += 1) for (const key of ['a', 'b', 'c', 'd', 'e', 'f']) world.put(key, n);
  await world.clock.advance(1000);
  for (const queue of QUEUES) await world.clock.during(first.release(queue, 5000));
  t.deepEqual(first.held(), []);
  await world.clock.until(() => world.waiting() === 0, 60_000);
  for (const key of ['a', 'b', 'c', 'd', 'e', 'f']) {
    t.deepEqual(
      world.store.documents.get(key)?.state?.seen,
      Array.from({ length: 30 }, (_, n) => n + 1),
    );
    const mine = commits.filter((commit) => commit.key === key);
    t.deepEqual(
      mine.filter(({ outcome }) => outcome !== 'committed'),
      [],
      'nobody raced',
    );
    t.deepEqual([...new Set(mine.map(({ by }) => by))], ['first', 'second']);
    for (const [index, commit] of mine.entries()) {
      if (index === 0) continue;
      const before = mine[index - 1];
      t.is(before?.version, commit.over);
      if (before?.by !== commit.by) t.true(commit.startedAt >= (before?.committedAt ?? Infinity), 'no overlap');
    }
  }
  t.is(world.runs.length, 180, 'nothing ran twice');
});

test('a run that does not end delays a release for no longer than its deadline', async (t) => {
  const world = createWorld((_n, context) => world.clock.sleep(2000, context.signal));
  const engine = world.engine('tally');
  await world.clock.during(engine.start());
  world.put('a', 1);
  await world.clock.advance(100);
  const start = world.clock.now();
  for (const queue of QUEUES) await world.clock.during(engine.release(queue, 500));
  t.true(world.clock.now() - start <= 600, `${world.clock.now() - start} ms`);
  await world.clock.advance(5000);
  t.is(world.total('a'), undefined, 'its late result is discarded');
  t.is(world.waiting(), 1);
});

test('every registration has an id of its own, and its end is told', async (t) => {
  const world = createWorld();
  const told: [string, string | undefined][] = [];
  const engine = world.engine('tally', {
    queues: ['tally.000'],
    onRegistration: (queue, id) => told.push([queue, id]),
  });
  await world.clock.during(engine.start());
  world.broker.dropConnection('tally');
  await world.clock.until(() => told.length === 3);
  await world.clock.during(engine.release('tally.000', 1000));
  t.deepEqual(
    told.map(([queue, id]) => [queue, id === undefined]),
    [false, true, false, true].map((end) => ['tally.000', end]),
  );
  t.not(told[0]?.[1], told[2]?.[1]);
});

test('what is taken while everything was given back is registered when consuming is taken up again', async (t) => {
  const world = createWorld();
  const engine = world.engine('tally', { queues: ['tally.000'] });
  await world.clock.during(engine.start());
  await world.clock.during(engine.pause());
  await world.clock.during(engine.take('tally.001'));
  t.false(engine.ready);
  await world.clock.during(engine.start());
  t.true(engine.ready);
  t.deepEqual(engine.held(), ['tally.000', 'tally.001']);
});

test('what an engine has handled is counted by queue, with the time of the oldest that it has in hand', async (t) => {
  const world = createWorld((_n, context) => world.clock.sleep(1000, context.signal));
  const engine = world.engine('tally');
  await world.clock.during(engine.start());
  const start = world.clock.now();
  world.put('a', 1);
  await world.clock.advance(100);
  world.put('a', 2);
  await world.clock.advance(100);
  const busy = () =>
    [...engine.figures().values()].filter(({ oldestSince, handled }) => oldestSince !== undefined || handled > 0);
  t.deepEqual(busy(), [{ oldestSince: start, waitedMs: undefined, handled: 0 }]);
  await world.clock.advance(3000);
  t.deepEqual(busy(), [{ oldestSince: undefined, waitedMs: undefined, handled: 2 }]);
});
