import test from 'ava';
import { encode } from '#shared/bus/envelope.ts';
import { dead, hash } from '#shared/bus/topology/topology.ts';
import { WAKE } from '#shared/message.ts';
import { createWorld, TTL_MS } from '#test/support/engine-world.ts';

test('a failing key is retried in place while other keys go on and its own later messages wait', async (t) => {
  let failing = 3;
  const world = createWorld((n) => {
    if (n === 1 && failing > 0) {
      failing -= 1;
      throw new Error('not now');
    }
  });
  await world.clock.during(world.engine().start());
  world.put('sick', 1);
  world.put('sick', 2);
  world.put('well', 9);
  await world.clock.until(() => world.total('well') === 9);
  t.is(world.total('sick'), undefined);
  await world.clock.until(() => world.waiting() === 0);
  t.deepEqual(world.store.documents.get('sick')?.state?.seen, [1, 2]);
});

test('a key in long trouble moves into its document, keeps its order and holds no delivery', async (t) => {
  let sick = true;
  const world = createWorld(
    (n) => {
      if (sick && n === 1) throw new Error('not now');
    },
    { limits: { attempts: 50 } },
  );
  await world.clock.during(world.engine().start());
  for (let n = 1; n <= 5; n += 1) world.put('a', n);
  await world.clock.until(() => world.waiting() === 0, TTL_MS);
  t.deepEqual(
    world.store.documents.get('a')?.stash.map((one) => one.message.id),
    ['a:1', 'a:2', 'a:3', 'a:4', 'a:5'],
  );
  world.put('a', 6);
  await world.clock.until(() => world.waiting() === 0, TTL_MS);
  t.is(world.store.documents.get('a')?.stash.length, 6);
  sick = false;
  await world.clock.until(() => world.total('a') === 21, 60_000);
  t.deepEqual(world.store.documents.get('a')?.state?.seen, [1, 2, 3, 4, 5, 6]);
  t.is(world.store.documents.get('a')?.stash.length, 0);
  t.is(world.broker.queue('tally.expired').ready.length, 0);
});

test('failing keys do not use up what a partition may have in hand: the others go on at once', async (t) => {
  const world = createWorld(
    (n) => {
      if (n < 1000) throw new Error('not now');
    },
    { limits: { prefetch: 10, attempts: 1000 } },
  );
  await world.clock.during(world.engine().start());
  const from = world.clock.now();
  const keys = Array.from({ length: 20 }, (_, index) => `k${index}`);
  for (let n = 1; n <= 5; n += 1) for (const key of keys) world.put(key, n);
  for (const key of keys) world.put(`well-${key}`, 1000);
  await world.clock.until(() => keys.every((key) => world.total(`well-${key}`) === 1000), TTL_MS);
  t.true(world.clock.now() - from < 200, `${world.clock.now() - from} ms`);
});

test('a stash survives the engine that filled it', async (t) => {
  let sick = true;
  const world = createWorld(
    (n) => {
      if (sick && n === 1) throw new Error('not now');
    },
    { limits: { attempts: 1000 } },
  );
  const first = world.engine('one');
  await world.clock.during(first.start());
  for (let n = 1; n <= 3; n += 1) world.put('a', n);
  await world.clock.until(() => world.store.documents.get('a')?.stash.length === 3);
  world.broker.dropConnection('one', { stayDown: true });
  sick = false;
  await world.clock.during(world.engine('two').start());
  await world.clock.until(() => world.total('a') === 6, 60_000);
  t.deepEqual(world.store.documents.get('a')?.state?.seen, [1, 2, 3]);
});

test('what a message from the stash sends outlives the engine that was to send it', async (t) => {
  let sick = true;
  const world = createWorld(
    (n) => {
      if (sick && n === 1) throw new Error('not now');
      if (!sick) world.broker.dropConnection('one', { kind: 'publish', stayDown: true });
    },
    { limits: { attempts: 1000 } },
  );
  await world.clock.during(world.engine('one').start());
  for (let n = 1; n <= 3; n += 1) world.put('a', n);
  await world.clock.until(() => world.store.documents.get('a')?.stash.length === 3);
  sick = false;
  await world.clock.until(() => world.total('a') === 6, 60_000);
  await world.clock.advance(1000);
  world.broker.dropConnection('one', { stayDown: true });
  t.deepEqual(world.answers(), []);
  await world.clock.during(world.engine('two').start());
  await world.clock.until(() => world.answers().length === 3, 60_000);
  t.deepEqual(
    world.answers().map(({ body }) => body),
    [{ total: 1 }, { total: 3 }, { total: 6 }],
  );
  await world.clock.until(() => world.store.documents.get('a')?.unsent.length === 0);
  t.is(world.store.documents.get('a')?.dueAt, undefined);
});

test('after the last try the head becomes a dead letter with its reason, and those behind it go on', async (t) => {
  const world = createWorld(
    (n) => {
      if (n === 1) throw new Error('never');
    },
    { limits: { attempts: 4 } },
  );
  await world.clock.during(world.engine().start());
  world.put('a', 1);
  world.put('a', 2);
  await world.clock.until(() => world.total('a') === 2);
  await world.clock.until(() => world.waiting() === 0);
  const [letter, ...others] = world.broker.queue(dead('tally')).ready;
  t.is(others.length, 0);
  t.is(letter?.messageId, 'a:1');
  t.regex(String(letter?.headers['dead-reason']), /never \(after 4 tries\)/);
  t.is(world.runs.filter((run) => run === 'a:1').length, 4);
});

test('a second wake while the head of the stash runs neither loses nor repeats those behind it', async (t) => {
  const release = Promise.withResolvers<void>();
  let sick = true;
  let slow = false;
  const world = createWorld(
    (n) => {
      if (sick && n === 1) throw new Error('not now');
      if (!slow || n !== 1) return undefined;
      slow = false;
      return release.promise.then(() => {
        throw new Error('after a second wake');
      });
    },
    { limits: { attempts: 1000, effectMs: 100_000 } },
  );
  await world.clock.during(world.engine().start());
  for (let n = 1; n <= 3; n += 1) world.put('a', n);
  await world.clock.until(() => world.store.documents.get('a')?.stash.length === 3);
  sick = false;
  slow = true;
  await world.clock.until(() => !slow, 60_000);
  const wake = { id: `${WAKE}:a:second`, type: WAKE, key: 'a', body: {}, correlationId: 'a' };
  world.broker.put(hash('tally'), encode(wake));
  await world.clock.advance(100);
  release.resolve();
  await world.clock.until(() => world.total('a') === 6, 60_000);
  t.deepEqual(world.store.documents.get('a')?.state?.seen, [1, 2, 3]);
});

test('a wake behind a failing message is not put into the stash with it', async (t) => {
  let sick = true;
  const world = createWorld(
    (n) => {
      if (sick && n === 1) throw new Error('not now');
    },
    { limits: { attempts: 1000 } },
  );
  await world.clock.during(world.engine().start());
  world.put('a', 1);
  await world.clock.settle();
  const wake = { id: `${WAKE}:a:early`, type: WAKE, key: 'a', body: {}, correlationId: 'a' };
  world.broker.put(hash('tally'), encode(wake));
  world.put('a', 2);
  await world.clock.until(() => world.waiting() === 0, TTL_MS);
  sick = false;
  await world.clock.until(() => world.total('a') === 3, 60_000);
  t.deepEqual(world.broker.queue(dead('tally')).ready, []);
});

test('a duplicate behind a failing message is not put into the stash and applied again', async (t) => {
  let sick = true;
  const world = createWorld(
    (n) => {
      if (sick && n === 2) throw new Error('not now');
    },
    { limits: { attempts: 1000 } },
  );
  await world.clock.during(world.engine().start());
  world.put('a', 1);
  await world.clock.until(() => world.waiting() === 0);
  for (const n of [2, 1, 3]) world.put('a', n);
  await world.clock.until(() => world.waiting() === 0, TTL_MS);
  t.deepEqual(
    world.store.documents.get('a')?.stash.map((one) => one.message.id),
    ['a:2', 'a:3'],
  );
  sick = false;
  await world.clock.until(() => world.store.documents.get('a')?.stash.length === 0, 60_000);
  t.deepEqual(world.store.documents.get('a')?.state?.seen, [1, 2, 3]);
});

test('a dead letter from the stash leaves the stash', async (t) => {
  const world = createWorld(
    (n) => {
      if (n === 1) throw new Error('never');
    },
    { limits: { attempts: 12 } },
  );
  await world.clock.during(world.engine().start());
  world.put('a', 1);
  world.put('a', 2);
  await world.clock.until(() => (world.store.documents.get('a')?.stash.length ?? 0) === 2);
  await world.clock.until(() => world.total('a') === 2, 200_000);
  t.is(world.broker.queue(dead('tally')).ready.length, 1);
  t.is(world.runs.filter((run) => run === 'a:1').length, 12);
  await world.clock.until(() => world.store.documents.get('a')?.dueAt === undefined);
});
