import test from 'ava';
import { encode } from '#shared/bus/envelope.ts';
import { TOO_LATE, type Message } from '#shared/message.ts';
import { add, createWorld, TTL_MS, type World } from '#test/support/engine-world.ts';

const SETTLED_MS = 1.5 * TTL_MS;

/** Exchanges that reach one partition each, as a ring would that has changed. */
async function straightTo(world: World, queues: readonly string[]): Promise<void> {
  const session = await world.broker.connect('ring').session();
  for (const destination of queues) {
    const source = `to-${destination}`;
    await session.declareExchange({ name: source, type: 'fanout', arguments: {} });
    await session.bind({ source, destination, to: 'queue', routingKey: '' });
  }
}

function putInto(world: World, queue: string, n: number, key = 'a', more: Partial<Message> = {}): void {
  const message = { id: `${key}:${n}`, type: add.name, key, body: { tally: key, n }, correlationId: key, ...more };
  world.broker.put(`to-${queue}`, encode(message));
}

/** Two processes, each with a partition; the key hashes to that of the first, which has handled one message of it. */
async function twoOwners(...how: Parameters<typeof createWorld>) {
  const world = createWorld(...how);
  world.put('a', 1);
  const isOwn = (queue: string): boolean => world.broker.queue(queue).ready.length === 1;
  const [own, other] = isOwn('tally.000')
    ? (['tally.000', 'tally.001'] as const)
    : (['tally.001', 'tally.000'] as const);
  await world.clock.during(straightTo(world, [own, other]));
  await world.clock.during(world.engine('one', { queues: [own] }).start());
  await world.clock.during(world.engine('two', { queues: [other] }).start());
  await world.clock.until(() => world.total('a') === 1);
  return { world, own, other };
}

test('messages of a key that come by another partition wait until those of the old one are done, then it is the new one', async (t) => {
  const world = createWorld();
  await world.clock.during(straightTo(world, ['tally.000', 'tally.001']));
  let moved = 0;
  const meter = { handled() {}, retried() {}, died() {}, committed() {}, moved: () => void (moved += 1) };
  await world.clock.during(world.engine('tally', { meter }).start());
  putInto(world, 'tally.000', 1);
  await world.clock.until(() => world.total('a') === 1);
  putInto(world, 'tally.001', 4);
  putInto(world, 'tally.001', 5);
  await world.clock.advance(1000);
  putInto(world, 'tally.000', 2);
  putInto(world, 'tally.000', 3);
  await world.clock.advance(1000);
  t.deepEqual(world.store.documents.get('a')?.state?.seen, [1, 2, 3]);
  t.is(world.waiting(), 0);
  t.is(moved, 2);
  await world.clock.until(() => world.total('a') === 15, SETTLED_MS + 2000);
  putInto(world, 'tally.001', 6);
  await world.clock.until(() => world.total('a') === 21, 1000);
  t.deepEqual(world.store.documents.get('a')?.state?.seen, [1, 2, 3, 4, 5, 6]);
  t.is(world.store.documents.get('a')?.partition, 'tally.001');
});

for (const when of ['before they came', 'after they came']) {
  test(`a clock that is set forward ${when} lets no newer messages of a moved key pass older ones`, async (t) => {
    const world = createWorld();
    await world.clock.during(straightTo(world, ['tally.000', 'tally.001']));
    let aheadMs = 0;
    const clock = { ...world.clock, now: () => world.clock.now() + aheadMs };
    await world.clock.during(world.engine('tally', { clock }).start());
    putInto(world, 'tally.000', 1);
    await world.clock.until(() => world.total('a') === 1);
    if (when === 'before they came') aheadMs = 2 * SETTLED_MS;
    putInto(world, 'tally.001', 4);
    putInto(world, 'tally.001', 5);
    await world.clock.until(() => world.waiting() === 0);
    if (when === 'after they came') aheadMs = 2 * SETTLED_MS;
    await world.clock.advance(3000);
    putInto(world, 'tally.000', 2);
    putInto(world, 'tally.000', 3);
    await world.clock.until(() => world.total('a') === 15, SETTLED_MS + 2000);
    t.deepEqual(world.store.documents.get('a')?.state?.seen, [1, 2, 3, 4, 5]);
  });
}

test('what a new connection delivers, long after the last was lost, before it confirms its registration waits for those of the old partition too', async (t) => {
  const world = createWorld();
  const queues = ['tally.001', 'tally.000'];
  await world.clock.during(straightTo(world, queues));
  await world.clock.during(world.engine('tally', { queues }).start());
  putInto(world, 'tally.000', 1);
  await world.clock.until(() => world.total('a') === 1);
  world.broker.dropConnection('tally', { stayDown: true });
  await world.clock.advance(2 * SETTLED_MS);
  let latencyMs = 0;
  world.broker.inject({ latencyMs: (_, direction) => (direction === 'to-client' ? (latencyMs += 20) : 0) });
  putInto(world, 'tally.001', 3);
  putInto(world, 'tally.000', 2);
  world.broker.restore('tally');
  await world.clock.until(() => world.total('a') === 6, SETTLED_MS + 5000);
  t.deepEqual(world.store.documents.get('a')?.state?.seen, [1, 2, 3]);
});

test('what comes by an older partition, while another process has the document in memory, is handled all the same when its wake comes to that process', async (t) => {
  const { world, other } = await twoOwners();
  putInto(world, other, 2);
  await world.clock.until(() => world.store.documents.get('a')?.stash.length === 1, 1000);
  await world.clock.until(() => world.total('a') === 3, SETTLED_MS + 2 * TTL_MS);
  t.is(world.waiting(), 0);
});

test('a copy that comes by an older partition after its deadline, where memory does not know that another process handled it, gets that answer', async (t) => {
  const { world, own, other } = await twoOwners();
  await world.clock.advance(SETTLED_MS);
  const deadline = world.clock.now() + 2000;
  const late = { deadline, replyTo: { route: 'asker', key: 'a' } };
  putInto(world, other, 2);
  await world.clock.until(() => world.total('a') === 3);
  putInto(world, own, 4, 'a', late);
  await world.clock.until(() => world.total('a') === 7);
  t.true(world.clock.now() < deadline, 'handled in time');
  await world.clock.advance(3000);
  putInto(world, other, 4, 'a', late);
  putInto(world, other, 8, 'a', late);
  await world.clock.until(() => world.waiting() === 0);
  const answers = world.answers().filter(({ id }) => /^a:[48]>/.test(id));
  t.deepEqual(
    answers.map(({ type }) => type),
    ['tally.added', 'tally.added', TOO_LATE],
  );
});

test('what has no room by the memory of its older partition goes on when another process has made room', async (t) => {
  let works = false;
  const fails = (n: number): void => {
    if (n === 4 && !works) throw new Error('not yet');
  };
  const { world, other } = await twoOwners(fails, { limits: { stashSize: 1 } });
  await world.clock.advance(SETTLED_MS);
  for (const n of [2, 4, 8]) putInto(world, other, n);
  await world.clock.until(() => world.store.documents.get('a')?.stash.length === 1);
  works = true;
  await world.clock.until(() => world.total('a')! >= 7);
  await world.clock.until(() => world.total('a') === 15, 6 * TTL_MS);
  t.is(world.waiting(), 0);
});

test('what came by a new partition and has no room in the document lets those of the old one pass', async (t) => {
  const world = createWorld(undefined, { limits: { stashSize: 1 } });
  await world.clock.during(straightTo(world, ['tally.000', 'tally.001']));
  await world.clock.during(world.engine().start());
  putInto(world, 'tally.000', 1);
  await world.clock.until(() => world.total('a') === 1);
  for (const n of [4, 5, 6]) putInto(world, 'tally.001', n);
  await world.clock.advance(1000);
  for (const n of [2, 3]) putInto(world, 'tally.000', n);
  await world.clock.until(() => world.total('a') === 21, SETTLED_MS + 5000);
  t.deepEqual(world.store.documents.get('a')?.state?.seen, [1, 2, 3, 4, 5, 6]);
});

test('keys without room in their documents, which hold all of a prefetch together, do not keep out the wakes that they wait for', async (t) => {
  const world = createWorld(undefined, { limits: { stashSize: 1, prefetch: 4 } });
  await world.clock.during(straightTo(world, ['tally.000', 'tally.001']));
  for (let n = 0; n < 100; n += 1) world.put(`k${n}`, 0);
  const keys = world.broker
    .queue('tally.001')
    .ready.slice(0, 4)
    .map(({ headers }) => String(headers['key']));
  t.is(keys.length, 4);
  await world.clock.advance(2 * TTL_MS);
  await world.clock.during(world.engine().start());
  for (const key of keys) putInto(world, 'tally.000', 1, key);
  await world.clock.until(() => keys.every((key) => world.total(key) === 1));
  for (const n of [2, 3]) for (const key of keys) putInto(world, 'tally.001', n, key);
  await world.clock.until(() => keys.every((key) => world.store.documents.get(key)?.stash.length === 1));
  await world.clock.until(() => keys.every((key) => world.total(key)! >= 3), 6 * TTL_MS);
  t.true(keys.every((key) => world.store.documents.get(key)?.partition === 'tally.001'));
});

test('what came by a new partition does not follow a failing message of the old one into the document before its successors', async (t) => {
  let works = false;
  const world = createWorld((n) => {
    if (n === 2 && !works) throw new Error('not yet');
  });
  await world.clock.during(straightTo(world, ['tally.000', 'tally.001']));
  await world.clock.during(world.engine().start());
  putInto(world, 'tally.000', 1);
  await world.clock.until(() => world.total('a') === 1);
  putInto(world, 'tally.000', 2);
  await world.clock.advance(10);
  for (const n of [4, 5]) putInto(world, 'tally.001', n);
  await world.clock.until(() => (world.store.documents.get('a')?.stash.length ?? 0) === 3, 0.6 * TTL_MS);
  putInto(world, 'tally.000', 3);
  await world.clock.advance(100);
  works = true;
  await world.clock.until(() => world.total('a') === 15, SETTLED_MS + 5000);
  t.deepEqual(world.store.documents.get('a')?.state?.seen, [1, 2, 3, 4, 5]);
});
