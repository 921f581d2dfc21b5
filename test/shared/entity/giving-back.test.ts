import test from 'ava';
import type { Bus } from '#shared/bus/bus.ts';
import { dead } from '#shared/bus/topology/topology.ts';
import { on, type Context } from '#shared/entity/entity.ts';
import { command } from '#shared/message.ts';
import type { EntityStore } from '#shared/entity/store.ts';
import { add, createWorld, TTL_MS, type Tally } from '#test/support/engine-world.ts';

const EXPIRED = 'tally.expired';
const QUEUES = ['tally.000', 'tally.001', 'tally.002', 'tally.003'];

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

test('what does not come on goes back alone: the channels of the other partitions stay, with what they have in hand', async (t) => {
  const world = createWorld((n, context) => (n === 99 ? world.clock.sleep(2000, context.signal) : undefined));
  const own = world.broker.connect('tally');
  const bus: Bus = {
    ...own,
    get connected() {
      return own.connected;
    },
    publish: (exchange, packet, key) =>
      packet.messageId === 'stuck:1>tally.added' ? new Promise(() => {}) : own.publish(exchange, packet, key),
  };
  const ended = new Set<string>();
  const onRegistration = (queue: string, id: string | undefined): void => {
    if (id === undefined) ended.add(queue);
  };
  await world.clock.during(world.engine('tally', { bus, onRegistration }).start());
  world.put('stuck', 1);
  await world.clock.settle();
  const stuck = QUEUES.find((queue) => world.broker.queue(queue).unacked > 0)!;
  // Always something in hand, on every partition, never one of them for long.
  for (let second = 1; second <= 10; second += 1) {
    for (let n = 0; n < 8; n += 1) world.put(`k${second}-${n}`, 99);
    await world.clock.advance(1000);
  }
  await world.clock.until(() => world.broker.queue(EXPIRED).ready.length > 0, 60_000);
  t.deepEqual([...ended], [stuck]);
  t.deepEqual(
    world.broker
      .queue(EXPIRED)
      .ready.map(({ messageId }) => messageId)
      .filter((id) => id !== 'stuck:1'),
    [],
    'whatever else was in its partition was worked on',
  );
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

test('a store that hangs after a long idle time is seen as soon as after the start', async (t) => {
  const world = createWorld();
  let hanging = false;
  const store: EntityStore<Tally> = {
    ...world.store,
    load: (keys) => (hanging ? new Promise(() => {}) : world.store.load(keys)),
  };
  await world.clock.during(world.engine('tally', { store }).start());
  world.put('a', 1);
  await world.clock.until(() => world.total('a') === 1, 60_000);
  await world.clock.advance(10 * TTL_MS);
  hanging = true;
  const start = world.clock.now();
  world.put('b', 1);
  await world.clock.until(() => world.broker.queue(EXPIRED).ready.length === 1, 60_000);
  const seenMs = world.clock.now() - start;
  t.true(seenMs <= 2 * TTL_MS + 1000, `seen after ${seenMs} ms`);
});

test('what comes after a long idle time has as long as anything', async (t) => {
  const world = createWorld((_n, context) => world.clock.sleep(2000, context.signal));
  await world.clock.during(world.engine('tally').start());
  await world.clock.advance(10 * TTL_MS);
  world.put('a', 1);
  await world.clock.until(() => world.waiting() === 0, 60_000);
  t.deepEqual(world.runs, ['a:1']);
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

const hangs = (context: Context): Promise<void> =>
  new Promise((_, reject) => {
    context.signal.addEventListener('abort', () => reject(context.signal.reason as Error));
  });

test('an effect that hangs for every key is given back, and expires where it is seen', async (t) => {
  const world = createWorld((_n, context) => hangs(context));
  await world.clock.during(world.engine('tally').start());
  const start = world.clock.now();
  for (let n = 1; n <= 20; n += 1) world.put(`k${n}`, n);
  await world.clock.until(() => world.broker.queue(EXPIRED).ready.length > 0, 60_000);
  t.true(world.clock.now() - start <= 2 * TTL_MS + 1000, `seen after ${world.clock.now() - start} ms`);
});

test('it is given back although messages of another kind succeed all the time', async (t) => {
  const quickly = command('tally.add-quickly', { body: add.body, key: add.key });
  const world = createWorld(undefined, {
    entity: {
      handlers: [
        on(add, (state, _body, context) => hangs(context).then(() => ({ state: state ?? { total: 0, seen: [] } }))),
        on(quickly, (_state, { n }) => ({ state: { total: n, seen: [] } })),
      ],
    },
  });
  await world.clock.during(world.engine('tally').start());
  const start = world.clock.now();
  let n = 100;
  const steady = (): void => {
    world.put(`healthy${(n += 1)}`, n, { type: quickly.name });
    world.clock.after(500, steady);
  };
  steady();
  for (let i = 1; i <= 5; i += 1) world.put(`k${i}`, i);
  await world.clock.until(() => world.broker.queue(EXPIRED).ready.length > 0, 60_000);
  t.true(world.clock.now() - start <= 2 * TTL_MS + 1000, `seen after ${world.clock.now() - start} ms`);
});

test('keys that hang while others of the kind succeed wait in their documents, and nothing expires', async (t) => {
  const world = createWorld((n, context) => (n <= 5 ? hangs(context) : undefined), { limits: { attempts: 1000 } });
  await world.clock.during(world.engine('tally').start());
  for (let n = 1; n <= 5; n += 1) world.put(`k${n}`, n);
  for (let n = 6; n <= 60; n += 1) {
    world.put(`healthy${n}`, n);
    await world.clock.advance(1000);
  }
  t.is(world.broker.queue(EXPIRED).ready.length, 0);
  for (let n = 1; n <= 5; n += 1) t.is(world.store.documents.get(`k${n}`)?.stash.length, 1);
  t.is(world.total('healthy60'), 60);
});

test('one key that hangs alone trips nothing', async (t) => {
  const world = createWorld((_n, context) => hangs(context), { limits: { attempts: 1000 } });
  await world.clock.during(world.engine('tally').start());
  world.put('a', 1);
  await world.clock.advance(6 * TTL_MS);
  t.is(world.broker.queue(EXPIRED).ready.length, 0);
  t.is(world.store.documents.get('a')?.stash.length, 1);
});

test('keys that hang long after one another trip nothing', async (t) => {
  const world = createWorld((_n, context) => hangs(context));
  await world.clock.during(world.engine('tally').start());
  for (let n = 1; n <= 5; n += 1) {
    world.put(`k${n}`, n);
    await world.clock.advance(8 * TTL_MS);
  }
  t.is(world.broker.queue(EXPIRED).ready.length, 0);
  t.is(world.broker.queue(dead('tally')).ready.length, 5);
});
