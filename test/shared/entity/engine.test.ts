import test from 'ava';
import { dead, hash } from '#shared/bus/topology/topology.ts';
import type { EntityStore } from '#shared/entity/store.ts';
import { TOO_LATE } from '#shared/message.ts';
import { createWorld, TTL_MS, type Tally } from '#test/support/engine-world.ts';

test('a command is applied, answered and acknowledged', async (t) => {
  const world = createWorld();
  await world.clock.during(world.engine().start());
  world.put('a', 5);
  await world.clock.until(() => world.waiting() === 0);
  t.is(world.total('a'), 5);
  t.deepEqual(world.answers(), [{ id: 'a:5>tally.added', type: 'tally.added', body: { total: 5 } }]);
});

test('messages of one key are applied in the order in which they were published, keys side by side', async (t) => {
  const world = createWorld((n, context) => (n % 7 === 0 ? world.clock.sleep(50, context.signal) : undefined));
  await world.clock.during(world.engine().start());
  for (let n = 1; n <= 50; n += 1) for (const key of ['a', 'b', 'c']) world.put(key, n);
  await world.clock.until(() => world.waiting() === 0);
  const expected = Array.from({ length: 50 }, (_, index) => index + 1);
  for (const key of ['a', 'b', 'c']) t.deepEqual(world.store.documents.get(key)?.state?.seen, expected);
  t.is(world.store.documents.get('a')?.version, 50);
});

test('no more handlers are at work at once than allowed; the others wait their turn, each key in its order', async (t) => {
  let atWork = 0;
  let most = 0;
  const world = createWorld(
    async () => {
      atWork += 1;
      most = Math.max(most, atWork);
      await world.clock.sleep(20);
      atWork -= 1;
    },
    { limits: { concurrency: 3 } },
  );
  const keys = Array.from({ length: 20 }, (_, index) => `k${index}`);
  await world.clock.during(world.engine().start());
  const from = world.clock.now();
  for (let n = 1; n <= 3; n += 1) for (const key of keys) world.put(key, n);
  await world.clock.until(() => world.waiting() === 0);
  t.is(most, 3);
  t.true(world.clock.now() - from < 500, `${world.clock.now() - from} ms for 60 runs of 20 ms, three at a time`);
  for (const key of keys) t.deepEqual(world.store.documents.get(key)?.state?.seen, [1, 2, 3]);
});

test('who waits its turn does not begin when the engine drains', async (t) => {
  const world = createWorld((_n, context) => world.clock.sleep(100, context.signal), { limits: { concurrency: 1 } });
  const engine = world.engine();
  await world.clock.during(engine.start());
  for (const key of ['a', 'b', 'c']) world.put(key, 1);
  await world.clock.until(() => world.runs.length === 1);
  await world.clock.during(engine.drain(5000));
  await world.clock.advance(1000);
  t.is(world.runs.length, 1);
  t.is(world.waiting(), 2);
});

test('a duplicate changes nothing and gets the same answer again', async (t) => {
  const world = createWorld();
  await world.clock.during(world.engine().start());
  world.put('a', 5);
  world.put('a', 5);
  await world.clock.until(() => world.waiting() === 0);
  world.put('a', 5);
  await world.clock.until(() => world.waiting() === 0);
  t.is(world.total('a'), 5);
  t.deepEqual(world.runs, ['a:5']);
  t.is(world.answers().length, 3);
  t.is(new Set(world.answers().map((answer) => JSON.stringify(answer))).size, 1);
});

test('a duplicate is recognised by another engine that knows only the document', async (t) => {
  const world = createWorld();
  const first = world.engine('one');
  await world.clock.during(first.start());
  world.put('a', 5);
  await world.clock.until(() => world.waiting() === 0);
  await world.clock.during(first.drain(1000));
  await world.clock.during(world.engine('two').start());
  world.put('a', 5);
  await world.clock.until(() => world.waiting() === 0);
  t.deepEqual(world.runs, ['a:5']);
  t.is(world.answers().length, 2);
});

test('nothing is acknowledged before it is committed, published and confirmed', async (t) => {
  const world = createWorld();
  const order: string[] = [];
  const gate = Promise.withResolvers<void>();
  const store: EntityStore<Tally> = {
    ...world.store,
    async commit(writes) {
      order.push(`commit with ${world.waiting()} unacknowledged, ${world.answers().length} answers`);
      await gate.promise;
      return world.store.commit(writes);
    },
  };
  await world.clock.during(world.engine('tally', { store }).start());
  world.put('a', 1);
  await world.clock.until(() => order.length === 1);
  await world.clock.advance(1000);
  t.is(world.waiting(), 1);
  t.is(world.answers().length, 0);
  gate.resolve();
  await world.clock.until(() => world.waiting() === 0);
  t.deepEqual(order, ['commit with 1 unacknowledged, 0 answers']);
  t.is(world.answers().length, 1);
});

test('what was ready together is committed together', async (t) => {
  const world = createWorld();
  const sizes: number[] = [];
  const store: EntityStore<Tally> = {
    ...world.store,
    async commit(writes) {
      sizes.push(writes.length);
      await world.clock.sleep(5);
      return world.store.commit(writes);
    },
  };
  await world.clock.during(world.engine('tally', { store }).start());
  for (let key = 0; key < 100; key += 1) world.put(`k${key}`, 1);
  await world.clock.until(() => world.waiting() === 0);
  t.is(
    sizes.reduce((sum, size) => sum + size, 0),
    100,
  );
  t.true(sizes.length <= 3, `committed in ${sizes.length} turns`);
});

test('the loser of a race reloads and applies its message to what the winner wrote', async (t) => {
  const world = createWorld();
  let raced = false;
  const store: EntityStore<Tally> = {
    ...world.store,
    async commit(writes) {
      if (!raced && writes.some((write) => write.over === 1)) {
        raced = true;
        const rival = world.store.documents.get('a')!;
        await world.store.commit([
          {
            over: 1,
            document: {
              ...rival,
              version: 2,
              state: { total: 100, seen: [100] },
              handled: [...rival.handled, { id: 'rival' }],
            },
          },
        ]);
      }
      return world.store.commit(writes);
    },
  };
  await world.clock.during(world.engine('tally', { store }).start());
  world.put('a', 1);
  await world.clock.until(() => world.waiting() === 0);
  world.put('a', 2);
  await world.clock.until(() => world.waiting() === 0);
  t.is(world.total('a'), 102);
  t.is(world.store.documents.get('a')?.version, 3);
  t.deepEqual(world.runs, ['a:1', 'a:2', 'a:2']);
});

test('a commit whose outcome is unknown is decided by the handled ids', async (t) => {
  const world = createWorld();
  let failures = 2;
  const store: EntityStore<Tally> = {
    ...world.store,
    async commit(writes) {
      const lost = await world.store.commit(writes);
      failures -= 1;
      if (failures >= 0) throw new Error('connection lost after the write');
      return lost;
    },
  };
  await world.clock.during(world.engine('tally', { store }).start());
  world.put('a', 1);
  world.put('a', 2);
  await world.clock.until(() => world.waiting() === 0);
  t.is(world.total('a'), 3);
  t.is(world.store.documents.get('a')?.version, 2);
  t.is(world.answers().length, 2);
});

test('what cannot be read, has a wrong body or a foreign key is a dead letter, and the rest goes on', async (t) => {
  const world = createWorld();
  await world.clock.during(world.engine().start());
  world.broker.put(hash('tally'), {
    content: Buffer.from('{nonsense'),
    type: 'tally.add',
    messageId: 'x1',
    headers: { key: 'a' },
  });
  world.broker.put(hash('tally'), { content: Buffer.from('{}'), headers: { key: 'a' } });
  world.put('a', 1, { id: 'x4', body: { tally: 'a', n: 'one' } });
  world.put('a', 1, { id: 'x5', key: 'b' });
  world.put('a', 1);
  await world.clock.until(() => world.waiting() === 0);
  t.is(world.total('a'), 1);
  const letters = world.broker.queue(dead('tally')).ready;
  t.is(letters.length, 4);
  for (const letter of letters) t.truthy(letter.headers['dead-reason']);
});

test('past its deadline a command is answered as too late and not handled; handled before, it gets its answer again', async (t) => {
  const world = createWorld();
  await world.clock.during(world.engine().start());
  const deadline = world.clock.now() + 1000;
  world.put('a', 1, { deadline });
  await world.clock.until(() => world.waiting() === 0);
  await world.clock.advance(2000);
  world.put('a', 1, { deadline });
  world.put('a', 2, { deadline });
  await world.clock.until(() => world.waiting() === 0);
  t.is(world.total('a'), 1);
  t.deepEqual(
    world.answers().map((answer) => answer.type),
    ['tally.added', 'tally.added', TOO_LATE],
  );
});

test('a handled id is forgotten after its deadline and skew, but never within a prefetch', async (t) => {
  const world = createWorld(undefined, { limits: { prefetch: 5, skewMs: 1000 } });
  await world.clock.during(world.engine().start());
  for (let n = 1; n <= 20; n += 1) world.put('a', n, { deadline: world.clock.now() + 1000 });
  await world.clock.until(() => world.waiting() === 0);
  await world.clock.advance(5000);
  world.put('a', 21, { deadline: world.clock.now() + 1000 });
  await world.clock.until(() => world.waiting() === 0);
  t.deepEqual(
    world.store.documents.get('a')?.handled.map((one) => one.id),
    ['a:16', 'a:17', 'a:18', 'a:19', 'a:20', 'a:21'],
  );
});

test('a handler that hangs is given up at the limit of its effect and tried again', async (t) => {
  let first = true;
  const world = createWorld((_n, context) => {
    if (!first) return undefined;
    first = false;
    return new Promise((_resolve, reject) => {
      context.signal.addEventListener('abort', () => reject(context.signal.reason as Error));
    });
  });
  await world.clock.during(world.engine().start());
  world.put('a', 1);
  await world.clock.until(() => world.waiting() === 0, TTL_MS / 2);
  t.is(world.total('a'), 1);
});

test('a lost channel discards what was running; the next owner starts from the document', async (t) => {
  const gate = Promise.withResolvers<void>();
  let runs = 0;
  const world = createWorld(() => {
    runs += 1;
    return runs === 1 ? gate.promise : undefined;
  });
  await world.clock.during(world.engine('one').start());
  world.put('a', 1);
  await world.clock.until(() => runs === 1);
  world.broker.dropConnection('one', { stayDown: true });
  await world.clock.during(world.engine('two').start());
  await world.clock.until(() => world.waiting() === 0);
  gate.resolve();
  await world.clock.advance(1000);
  t.is(world.total('a'), 1);
  t.is(world.store.documents.get('a')?.version, 1);
});

test('a cache does not outlive its channel: the next message runs on what another engine wrote meanwhile', async (t) => {
  const world = createWorld();
  await world.clock.during(world.engine('one').start());
  world.put('a', 1);
  await world.clock.until(() => world.waiting() === 0);
  world.broker.dropConnection('one', { stayDown: true });
  await world.clock.during(world.engine('two').start());
  world.put('a', 2);
  await world.clock.until(() => world.waiting() === 0);
  world.broker.dropConnection('two', { stayDown: true });
  world.broker.restore('one');
  world.put('a', 3);
  await world.clock.until(() => world.total('a') === 6);
  t.deepEqual(world.runs, ['a:1', 'a:2', 'a:3']);
});

test('draining finishes and acknowledges what runs and leaves the rest, in order, to the next', async (t) => {
  const world = createWorld((_n, context) => world.clock.sleep(100, context.signal));
  const first = world.engine('one');
  await world.clock.during(first.start());
  for (let n = 1; n <= 5; n += 1) world.put('a', n);
  await world.clock.until(() => world.runs.length === 2);
  await world.clock.during(first.drain(5000));
  t.deepEqual(world.store.documents.get('a')?.state?.seen, [1, 2]);
  await world.clock.during(world.engine('two').start());
  await world.clock.until(() => world.waiting() === 0);
  t.deepEqual(world.store.documents.get('a')?.state?.seen, [1, 2, 3, 4, 5]);
  t.deepEqual(world.runs, ['a:1', 'a:2', 'a:3', 'a:4', 'a:5']);
});
