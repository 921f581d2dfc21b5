import { randomUUID } from 'node:crypto';
import test from 'ava';
import { createConnection } from 'mongoose';
import { describeStore } from './store-conformance.ts';
import { createMongoStore } from '#shared/entity/mongo-store.ts';

const url = process.env['SWITCHYARD_TEST_MONGO_URL'];
if (url === undefined) throw new Error('SWITCHYARD_TEST_MONGO_URL is not set: run the tests with npm test');

describeStore(test, async () => {
  const db = await createConnection(url, { dbName: `store-${randomUUID()}` }).asPromise();
  const store = createMongoStore<{ readonly n: number }>(db, { collection: 'things', journal: 'records' });
  await store.prepare();
  return {
    name: 'mongoose',
    store,
    async journaled(id) {
      const found = await db.collection<{ _id: string }>('records').findOne({ _id: id });
      return found ?? undefined;
    },
    async stop() {
      await db.dropDatabase();
      await db.close();
    },
  };
});
