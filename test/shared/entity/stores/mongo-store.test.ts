import { randomUUID } from 'node:crypto';
import test, { type ExecutionContext } from 'ava';
import { createConnection, type Connection } from 'mongoose';
import { describeStore } from '#test/shared/entity/store-conformance.ts';
import { emptyDocument } from '#shared/entity/document.ts';
import { storedAnswerTo, createMongoStore } from '#shared/entity/stores/mongo-store.ts';

const url = process.env['SWITCHYARD_TEST_MONGO_URL'];
if (url === undefined) throw new Error('SWITCHYARD_TEST_MONGO_URL is not set: run the tests with npm test');

describeStore(test, async () => {
  const { db, store, stop } = await opened();
  return {
    name: 'mongoose',
    store,
    async journaled(id) {
      const found = await db.collection<{ _id: string }>('records').findOne({ _id: id });
      return found ?? undefined;
    },
    stop,
  };
});

interface Sent {
  readonly name: string;
  readonly command: Readonly<Record<string, unknown>>;
}

async function opened() {
  const db = await createConnection(`${url}`, {
    dbName: `store-${randomUUID()}`,
    monitorCommands: true,
    readPreference: 'secondaryPreferred',
    readConcern: { level: 'local' },
  }).asPromise();
  const sent: Sent[] = [];
  db.getClient().on('commandStarted', ({ commandName: name, command }) => void sent.push({ name, command }));
  const store = createMongoStore<{ readonly n: number }>(db, { collection: 'things', journal: 'records' });
  await store.prepare();
  const stop = async (): Promise<void> => {
    await db.dropDatabase();
    await db.close();
  };
  return { db, sent, store, stop };
}

async function withStore(
  t: ExecutionContext,
): Promise<{ db: Connection; sent: Sent[]; store: ReturnType<typeof createMongoStore<{ readonly n: number }>> }> {
  const { stop, ...rest } = await opened();
  t.teardown(stop);
  return rest;
}

const document = (key: string, more: object = {}) => ({ ...emptyDocument<{ n: number }>(key), version: 1, ...more });

test('every read asks the primary for what a majority has, every write waits for it, whatever the connection says', async (t) => {
  const { db, sent, store } = await withStore(t);
  await store.commit([{ over: 0, document: document('a', { spilledUntil: Infinity }) }]);
  await store.remember([{ key: 'a', handled: { id: 'm1' } }]);
  await store.append([{ id: 'j1', n: 1 }]);
  const writes = sent.filter(({ name }) => ['insert', 'update'].includes(name));
  t.is(writes.length, 3);
  for (const { command } of writes) t.like(command, { writeConcern: { w: 'majority', j: true } });
  sent.length = 0;
  await store.load(['a']);
  await store.recall('a', ['m1']);
  await store.append([{ id: 'j1', n: 1 }]);
  await store.due(5, 1);
  await storedAnswerTo(db, 'things', 'a', 'm1');
  const reads = sent.filter(({ name }) => name === 'find');
  t.true(reads.length >= 6, `${reads.length}`);
  for (const { command } of reads) {
    t.like(command, { readConcern: { level: 'majority' } });
    t.true(
      [undefined, 'primary', 'primaryPreferred'].includes((command['$readPreference'] as { mode?: string })?.mode),
    );
  }
});

test('the answer to one message is read without its neighbours, and outside the document only when ids have left it', async (t) => {
  const { db, sent, store } = await withStore(t);
  const answer = (n: number) => ({ type: 'x.done', body: { n } });
  const handled = Array.from({ length: 500 }, (_, n) => ({ id: `m${n}`, answer: answer(n) }));
  await store.commit([
    { over: 0, document: document('a', { handled }) },
    { over: 0, document: document('b', { handled: [{ id: 'm1' }], spilledUntil: 5 }) },
  ]);
  await store.remember([{ key: 'b', handled: { id: 'm0', answer: answer(0) } }]);
  const bytes: number[] = [];
  db.getClient().on('commandSucceeded', ({ reply }) => void bytes.push(JSON.stringify(reply).length));
  sent.length = 0;
  t.deepEqual(await storedAnswerTo(db, 'things', 'a', 'm321'), answer(321));
  t.is(await storedAnswerTo(db, 'things', 'a', 'm500'), undefined);
  t.is(await storedAnswerTo(db, 'things', 'c', 'm0'), undefined);
  t.is(sent.length, 3);
  t.true(Math.max(...bytes) < 500, bytes.join());
  t.deepEqual(await storedAnswerTo(db, 'things', 'b', 'm0'), answer(0));
  t.is(await storedAnswerTo(db, 'things', 'b', 'm1'), undefined);
});

test('a document that cannot be BSON is refused, its neighbours are written', async (t) => {
  const { store } = await withStore(t);
  const circular: Record<string, unknown> = {};
  circular['self'] = circular;
  const { lost, refused } = await store.commit([
    { over: 0, document: document('a') },
    { over: 0, document: document('b', { state: { 'zero\0': 1 } }) },
    { over: 0, document: document('c', { state: circular }) },
    { over: 0, document: document('d') },
  ]);
  t.is(lost.size, 0);
  t.deepEqual([...refused.keys()].toSorted(), ['b', 'c']);
  t.deepEqual([...(await store.load(['a', 'b', 'c', 'd'])).keys()].toSorted(), ['a', 'd']);
});

test('looking for what is due reads no more documents than are due, however many have a time', async (t) => {
  const { db, sent, store } = await withStore(t);
  const commits = Array.from({ length: 400 }, (_, n) => ({
    over: 0,
    document: document(`k${n}`, { partition: `things.00${n % 4}`, dueAt: n < 40 ? n + 1 : 1_000_000 + n }),
  }));
  await store.commit(commits);
  sent.length = 0;
  t.deepEqual(await store.due(0, 10), []);
  t.is(sent.length, 1, 'one query when nothing is due');
  sent.length = 0;
  t.is((await store.due(100, 10)).length, 10);
  for (const { command } of sent.filter(({ name }) => name === 'find')) {
    const { filter, sort, projection, limit, hint } = command;
    const plan = (await db
      .getClient()
      .db(db.name)
      .command({
        explain: { find: 'things', filter, sort, projection, limit, hint },
        verbosity: 'executionStats',
      })) as { executionStats: { totalDocsExamined: number } };
    t.true(plan.executionStats.totalDocsExamined <= 12, JSON.stringify([filter, plan]));
  }
});

test('ids that are remembered outside leave with their time, without anybody asking', async (t) => {
  const { db } = await withStore(t);
  const indexes = await db.collection('things_remembered').listIndexes().toArray();
  t.like(
    indexes.find(({ key }) => 'expiresAt' in (key as object)),
    { expireAfterSeconds: 0 },
  );
});

test('a document of which nothing is of use leaves with its time, without anybody asking', async (t) => {
  const { db } = await withStore(t);
  const indexes = await db.collection('things').listIndexes().toArray();
  t.like(
    indexes.find(({ key }) => 'expiresAt' in (key as object)),
    { expireAfterSeconds: 0 },
  );
});
