import { randomUUID } from 'node:crypto';
import test from 'ava';
import { createConnection } from 'mongoose';
import { aRequest, describeRequests } from './requests-conformance.ts';
import { createMongoRequests } from '#services/gateway/model.ts';
import { NotStored } from '#services/gateway/requests.ts';

const url = process.env['SWITCHYARD_TEST_MONGO_URL'];
if (url === undefined) throw new Error('SWITCHYARD_TEST_MONGO_URL is not set: run the tests with npm test');

async function open() {
  const options = { dbName: `requests-${randomUUID()}`, bufferCommands: false, autoIndex: false };
  const db = await createConnection(url as string, options).asPromise();
  let now = Date.now();
  const store = createMongoRequests(db, () => now);
  await store.prepare();
  return {
    db,
    store,
    now: () => now,
    passMs(ms: number) {
      now += ms;
    },
    async stop() {
      if (db.readyState === 1) await db.dropDatabase();
      await db.close();
    },
  };
}

describeRequests(test, 'mongoose', open);

test('what is confirmed expires by an index, what is looked for has one', async (t) => {
  const { db, store, stop } = await open();
  t.teardown(stop);
  await store.prepare();
  const indexes = await db.collection('requests').indexes();
  t.like(
    indexes.find(({ key }) => 'expiresAt' in key),
    { expireAfterSeconds: 0 },
  );
  t.truthy(indexes.find(({ key }) => 'resourceId' in key));
  t.truthy(indexes.find(({ key }) => 'nextTryAt' in key));
});

test('without a connection an insert is certain not to have happened', async (t) => {
  const { db, store } = await open();
  await db.dropDatabase();
  await db.close();
  await t.throwsAsync(store.insert(aRequest('a')), { instanceOf: NotStored });
  const never = createConnection();
  await t.throwsAsync(createMongoRequests(never, Date.now).insert(aRequest('a')), { instanceOf: NotStored });
});
