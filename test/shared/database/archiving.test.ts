/** Moving into the archive, on a database: nothing is lost, doubled or forgotten. */
import test from 'ava';
import type { Connection } from 'mongoose';
import { place, placed } from '#services/order/contract.ts';
import { orderArchive, ordersCollection } from '#services/order/model.ts';
import { orderEntity } from '#services/order/order.ts';
import { routeTable } from '#services/services.ts';
import { archiveOf, idAt } from '#shared/database/archive.ts';
import { archive, startArchiving } from '#shared/database/archiving.ts';
import { encode } from '#shared/bus/envelope.ts';
import { createMemoryBroker } from '#shared/bus/memory/memory-bus.ts';
import { hash, partitionQueues, topologyOf } from '#shared/bus/topology/topology.ts';
import { systemClock } from '#shared/clock.ts';
import { createEngine } from '#shared/entity/engine.ts';
import { limitsFor } from '#shared/entity/options.ts';
import { storedAnswerTo, createMongoStore } from '#shared/entity/stores/mongo-store.ts';
import { silentLog } from '#shared/log.ts';
import { mongoWorld } from '#test/support/mongo-world.ts';
import { until } from '#test/support/until.ts';
import { createVirtualClock } from '#test/support/virtual-clock.ts';

const DAY_MS = 86_400_000;
const AT = Date.UTC(2026, 0, 2);
const BEFORE = AT + DAY_MS;
const idOf = (n: number, at = AT): string => `${idAt(at)}-7000-8000-${String(n).padStart(12, '0')}`;
const stored = (id: string, status = 'completed') => ({
  _id: id as never,
  version: 3,
  state: { status, updatedAt: AT + 5, details: { orderId: id } },
  handled: [{ id: `${id}-message`, answer: { type: 'some.answer', body: { id } } }],
});
const options = { collection: ordersCollection, rule: orderArchive, before: BEFORE, clock: systemClock, pauseMs: 0 };
const storeOptions = { collection: ordersCollection, archive: orderArchive };

const idsIn = async (db: Connection, name: string): Promise<readonly unknown[]> =>
  (await db.collection(name).find({}).sort({ _id: 1 }).toArray()).map(({ _id }) => _id);
const live = (db: Connection) => idsIn(db, ordersCollection);
const archived = (db: Connection) => idsIn(db, archiveOf(ordersCollection));

test('what ended long ago moves, as it is, batch by batch; the rest stays; a dry run only counts', async (t) => {
  const { db } = await mongoWorld(t);
  const old = Array.from({ length: 25 }, (_, n) => stored(idOf(n)));
  const open = stored(idOf(50), 'pending');
  const young = stored(idOf(60, BEFORE));
  await db.collection(ordersCollection).insertMany([...old, open, young]);
  t.is(await archive(db, { ...options, batch: 10, dryRun: true }), 25);
  t.is((await live(db)).length, 27);
  t.is(await archive(db, { ...options, batch: 10 }), 25);
  t.deepEqual(await live(db), [open._id, young._id]);
  t.deepEqual(await db.collection(archiveOf(ordersCollection)).find({}).sort({ _id: 1 }).toArray(), old as never);
  t.is(await archive(db, options), 0);
});

test('a crash between copying and deleting leaves neither a loss nor a double', async (t) => {
  const { db } = await mongoWorld(t);
  const all = Array.from({ length: 6 }, (_, n) => stored(idOf(n)));
  await db.collection(ordersCollection).insertMany(all);
  const crash = async (): Promise<void> => {
    throw new Error('killed');
  };
  await t.throwsAsync(archive(db, { ...options, onCopied: crash }), { message: 'killed' });
  const ids = all.map(({ _id }) => _id);
  t.deepEqual([await live(db), await archived(db)], [ids, ids] as never);
  t.is(await archive(db, options), 6);
  t.deepEqual([await live(db), await archived(db)], [[], ids] as never);
});

test('what changes while it is copied stays, and is copied anew the next time', async (t) => {
  const { db } = await mongoWorld(t);
  const id = idOf(1);
  await db.collection(ordersCollection).insertOne(stored(id));
  const change = async (): Promise<void> => {
    await db.collection(ordersCollection).updateOne({ _id: id as never }, { $set: { version: 4 } });
  };
  t.is(await archive(db, { ...options, onCopied: change }), 0);
  t.deepEqual(await live(db), [id]);
  t.is(await archive(db, options), 1);
  t.is((await db.collection(archiveOf(ordersCollection)).findOne({ _id: id as never }))?.['version'], 4);
});

test('an older copy never replaces a newer one in the archive, and what it was made of is not deleted', async (t) => {
  const { db } = await mongoWorld(t);
  const id = idOf(1);
  await db.collection(archiveOf(ordersCollection)).insertOne({ ...stored(id), version: 9 });
  await db.collection(ordersCollection).insertOne(stored(id));
  t.is(await archive(db, options), 0);
  t.is((await db.collection(archiveOf(ordersCollection)).findOne({ _id: id as never }))?.['version'], 9);
  t.deepEqual(await live(db), [id]);
});

test('an archived document is loaded as it was, written where it was, and archived again; two writers do not both win', async (t) => {
  const { db } = await mongoWorld(t);
  const store = createMongoStore<object>(db, storeOptions);
  const key = idOf(1);
  await db.collection(ordersCollection).insertOne(stored(key));
  await archive(db, options);
  t.deepEqual(await storedAnswerTo(db, ordersCollection, key, `${key}-message`), {
    type: 'some.answer',
    body: { id: key },
  });
  const [one, other] = [(await store.load([key])).get(key)!, (await store.load([key])).get(key)!];
  t.is(one.version, 3);
  t.deepEqual((await store.commit([{ over: 3, document: { ...one, version: 4 } }])).lost, new Set());
  t.deepEqual((await store.commit([{ over: 3, document: { ...other, version: 4 } }])).lost, new Set([key]));
  t.is((await store.load([key])).get(key)?.version, 4);
  t.is(await archive(db, options), 1);
  t.deepEqual(await live(db), []);
  const stale = await store.commit([{ over: 3, document: { ...other, version: 4 } }]);
  t.deepEqual(stale.lost, new Set([key]), 'also not over one that was archived since');
  t.deepEqual(await live(db), []);
  t.is((await store.load([key])).get(key)?.version, 4);
});

test('while late messages bring documents back, archiving loses none of their writes', async (t) => {
  const { db } = await mongoWorld(t);
  const store = createMongoStore<object>(db, storeOptions);
  const keys = Array.from({ length: 8 }, (_, n) => idOf(n));
  await db.collection(ordersCollection).insertMany(keys.map((key) => stored(key)));
  const ROUNDS = 6;
  let writing = true;
  let moved = 0;
  const archiving = async (): Promise<void> => {
    while (writing) {
      const count = await archive(db, { ...options, batch: 3 });
      moved += count;
    }
  };
  const writers = (async () => {
    for (let round = 0; round < ROUNDS; round += 1) {
      await Promise.all(keys.map((key) => written(key)));
      await until(
        'all are archived again',
        () => live(db),
        ({ length }) => length === 0,
      );
    }
  })().finally(() => (writing = false));
  /** One more message for that key, however often its write loses. */
  async function written(key: string): Promise<void> {
    for (;;) {
      const before = (await store.load([key])).get(key)!;
      const { lost } = await store.commit([
        { over: before.version, document: { ...before, version: before.version + 1 } },
      ]);
      if (!lost.has(key)) return;
    }
  }
  await Promise.all([writers, archiving(), archiving()]);
  const found = await store.load(keys);
  for (const key of keys) t.is(found.get(key)?.version, 3 + ROUNDS, key);
  t.true(moved >= keys.length * ROUNDS);
});

test('a command that comes again after its order was archived is answered as before and changes nothing', async (t) => {
  const { db } = await mongoWorld(t);
  const store = createMongoStore<Parameters<(typeof orderEntity.handlers)[0]['handle']>[0]>(db, storeOptions);
  await store.prepare();
  const broker = createMemoryBroker({ clock: systemClock });
  broker.apply(topologyOf(routeTable, { ttlMs: 60_000, delayMs: 1000 }, 'test'));
  const start = async () => {
    const engine = createEngine({
      entity: orderEntity,
      bus: broker.connect('order'),
      store: store as never,
      clock: systemClock,
      log: silentLog,
      queues: partitionQueues(routeTable, 'order'),
      limits: limitsFor(60_000),
    });
    await engine.start();
    return engine;
  };
  const orderId = idOf(1);
  const price = { amount: 5, currency: 'EUR' };
  const body = {
    orderId,
    customerId: 'alice',
    email: 'a@example.org',
    items: [{ sku: 'tea', quantity: 1, unitPrice: price }],
    total: price,
    paymentMethod: 'pm_ok',
  };
  const put = (): void =>
    void broker.put(
      hash('order'),
      encode({
        id: `${orderId}:place`,
        type: place.name,
        key: orderId,
        body,
        correlationId: orderId,
        replyTo: { route: 'saga', key: orderId },
      }),
    );
  const answers = () =>
    partitionQueues(routeTable, 'saga').flatMap((queue) =>
      broker.queue(queue).ready.map(({ type, content }) => [type, JSON.parse(content.toString())] as const),
    );
  const first = await start();
  put();
  await until('the order is placed', answers, ({ length }) => length === 1);
  await first.drain(10_000);
  // It ended since.
  const ended = { 'state.status': 'failed', 'state.updatedAt': AT, 'state.failure': { reason: 'r', step: 's' } };
  await db.collection(ordersCollection).updateOne({ _id: orderId as never }, { $set: ended });
  t.is(await archive(db, options), 1);
  const before = await db.collection(archiveOf(ordersCollection)).findOne({ _id: orderId as never });

  const second = await start();
  put();
  const both = await until('it is answered again', answers, ({ length }) => length === 2);
  t.deepEqual(both[1], both[0]);
  t.is(both[0]?.[0], placed.name);
  await second.drain(10_000);
  const now = (await store.load([orderId])).get(orderId);
  t.deepEqual(now?.state, before?.['state']);
  t.is(now?.handled.length, 1);
});

test('an order costs the same whatever is archived: a new key is one read by id, and nothing is scanned', async (t) => {
  const { db } = await mongoWorld(t);
  const store = createMongoStore<object>(db, storeOptions);
  await db.collection(archiveOf(ordersCollection)).insertMany(Array.from({ length: 50 }, (_, n) => stored(idOf(n))));
  const young = Array.from({ length: 50 }, (_, n) => stored(idOf(n, BEFORE + 1000), 'pending'));
  await db.collection(ordersCollection).insertMany(young);
  const reads: string[] = [];
  db.getClient().on('commandStarted', ({ commandName, command }) => {
    if (commandName === 'find') reads.push(command['find'] as string);
  });
  await store.load([createVirtualClock(1, Date.now()).id()]);
  t.deepEqual(reads, [ordersCollection]);
  await store.load([idOf(3)]);
  t.deepEqual(reads.slice(1), [ordersCollection, archiveOf(ordersCollection)]);
  // What archiving looks at is what is old.
  const range = db
    .collection(ordersCollection)
    .find({ _id: { $gt: '', $lt: idAt(BEFORE) } } as object)
    .sort({ _id: 1 })
    .limit(100);
  t.is((await range.explain('executionStats'))['executionStats'].totalDocsExamined, 0);
  const byId = await db
    .collection(archiveOf(ordersCollection))
    .find({ _id: idOf(3) } as object)
    .explain('executionStats');
  t.is(byId['executionStats'].totalDocsExamined, 1);
});

test('a service archives by itself, about once an hour, until it is stopped; 0 days: never', async (t) => {
  const { db } = await mongoWorld(t);
  await db.collection(ordersCollection).insertOne(stored(idOf(1)));
  const counts: number[] = [];
  const job = (afterDays: number, clock: ReturnType<typeof createVirtualClock>) =>
    startArchiving(db, {
      collection: ordersCollection,
      rule: orderArchive,
      afterDays,
      clock,
      log: silentLog,
      onMoved: (count) => void counts.push(count),
    });
  const clock = createVirtualClock(1, AT + 10 * DAY_MS);
  const never = job(0, clock);
  const late = job(11, clock);
  await clock.advance(1_700_000);
  t.deepEqual(counts, [], 'nothing at the start');
  await clock.advance(3_800_000);
  await until(
    'it looked',
    () => counts,
    ({ length }) => length >= 1,
  );
  t.deepEqual(await live(db), [idOf(1)], 'too young');
  await late.stop();
  await never.stop();
  counts.length = 0;
  const early = job(9, clock);
  await clock.advance(5_500_000);
  await until(
    'it moved',
    () => counts,
    (all) => all.includes(1),
  );
  await early.stop();
  t.deepEqual([await live(db), await archived(db)], [[], [idOf(1)]]);
});
