import test from 'ava';
import { executorIds } from '#services/executor/contract.ts';
import { Dispossessed, OtherNumber } from '#services/executor/member.ts';
import { executorsCollection } from '#services/executor/model.ts';
import { claimed, enrolled, type StoredExecutor } from '#services/executor/stored.ts';
import { executorView } from '#services/executor/view.ts';
import { mongoWorld } from '#test/support/mongo-world.ts';

const IDS = executorIds(3);
const log = { snapshot: { index: 0, term: 0, seq: 0 }, entries: [] };
const entry = (index: number, term: number) => ({ index, term, item: { seq: index, orderId: `order-${index}` } });

test('what an executor stored it finds again: entries that follow, and a log that was written anew', async (t) => {
  const { db } = await mongoWorld(t);
  const clock = { now: () => 1000 };
  const holder = (token: string) => ({ owner: 'executor-1', token });
  await enrolled(db, IDS);
  const store = (await claimed(db, clock, 'executor-1', holder('a')))!;
  t.deepEqual(await store.load(), { term: 0, votedFor: undefined, log });
  const one = { term: 2, votedFor: 'executor-3', log: { ...log, entries: [entry(1, 2)] } };
  await store.save(one);
  const two = { ...one, log: { snapshot: one.log.snapshot, entries: [...one.log.entries, entry(2, 2)] } };
  await store.save(two);
  t.deepEqual(await (await claimed(db, clock, 'executor-1', holder('b')))!.load(), two);

  const again = (await claimed(db, clock, 'executor-1', holder('c')))!;
  await again.load();
  const anew = {
    term: 3,
    votedFor: undefined,
    log: { snapshot: { index: 1, term: 2, seq: 1 }, entries: [entry(2, 3)] },
  };
  await again.save(anew);
  t.deepEqual(await again.load(), anew);
  await t.throwsAsync(store.save(two), { instanceOf: Dispossessed });
});

test('nobody takes an executor over whose process says that it lives; when it is silent, who had it writes no more', async (t) => {
  const { db } = await mongoWorld(t);
  let now = 1000;
  const clock = { now: () => now };
  await enrolled(db, IDS);
  const first = (await claimed(db, clock, 'executor-1', { owner: 'first', token: 'a' }))!;
  const state = (await first.load())!;
  t.is(await claimed(db, clock, 'executor-1', { owner: 'second', token: 'b' }), undefined);
  now += 60_000;
  const second = (await claimed(db, clock, 'executor-1', { owner: 'second', token: 'b' }))!;
  await t.throwsAsync(first.save({ ...state, term: 1 }), { instanceOf: Dispossessed });
  await second.load();
  await second.save({ ...state, term: 2 });
  await second.release();
  t.not(await claimed(db, clock, 'executor-1', { owner: 'first', token: 'c' }), undefined);
});

test('an executor that is configured and never ran is shown as a follower of term 0 that does not live; whoever comes first may run it', async (t) => {
  const { db } = await mongoWorld(t);
  const clock = { now: () => 1000 };
  await enrolled(db, IDS);
  const ran = (await claimed(db, clock, 'executor-1', { owner: 'first', token: 'a' }))!;
  const stored = (await ran.load())!;
  await ran.save({ ...stored, term: 4, votedFor: 'executor-1' });
  await enrolled(db, IDS);
  const shown = await executorView(db).executors(60_000);
  t.deepEqual(
    shown.map(({ id, role, alive, term }) => [id, role, alive, term]),
    [
      ['executor-1', 'follower', false, 4],
      ['executor-2', 'follower', false, 0],
      ['executor-3', 'follower', false, 0],
    ],
  );
  t.not(await claimed(db, clock, 'executor-2', { owner: 'second', token: 'b' }), undefined);
  t.is(await claimed(db, clock, 'executor-1', { owner: 'second', token: 'b' }), undefined);
});

test('how many there are is decided when they first run: with another number none runs, and none is added', async (t) => {
  const { db } = await mongoWorld(t);
  await enrolled(db, IDS);
  for (const number of [1, 2, 5]) {
    const error = await t.throwsAsync(enrolled(db, executorIds(number)), { instanceOf: OtherNumber });
    t.regex(error.message, new RegExp(`EXECUTORS is ${number}, and these executors are 3 `));
  }
  t.deepEqual(
    (await executorView(db).executors(0)).map(({ id }) => id),
    IDS,
  );
  await enrolled(db, IDS);
});

test('what an earlier version stored without their number gets it with the first that comes', async (t) => {
  const { db } = await mongoWorld(t);
  await enrolled(db, IDS);
  await db.collection<StoredExecutor>(executorsCollection).updateMany({}, { $unset: { members: '' } });
  await enrolled(db, IDS);
  await t.throwsAsync(enrolled(db, executorIds(5)), { instanceOf: OtherNumber });
});

test('an executor goes on when the client of its database was replaced by a new one', async (t) => {
  const { db, url } = await mongoWorld(t);
  const clock = { now: () => 1000 };
  await enrolled(db, IDS);
  const store = (await claimed(db, clock, 'executor-1', { owner: 'first', token: 'a' }))!;
  const state = (await store.load())!;
  await db.close();
  await db.openUri(url, { dbName: db.name });
  await store.save({ ...state, term: 1 });
  t.like(await store.load(), { term: 1 });
});
