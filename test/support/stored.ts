import { randomUUID } from 'node:crypto';
import type { ExecutionContext } from 'ava';
import { createConnection, type Connection } from 'mongoose';
import { emptyDocument } from '#shared/entity/document.ts';
import type { JournalRecord } from '#shared/entity/entity.ts';
import { createMongoStore, type MongoStoreOptions } from '#shared/entity/stores/mongo-store.ts';

/** A database of its own on the server of the tests, dropped when the test ends. */
export async function freshDatabase(t: ExecutionContext): Promise<Connection> {
  const url = process.env['SWITCHYARD_TEST_MONGO_URL'];
  if (url === undefined) throw new Error('SWITCHYARD_TEST_MONGO_URL is not set: run the tests with npm test');
  const db = await createConnection(url, { dbName: `views-${randomUUID()}` }).asPromise();
  t.teardown(async () => {
    await db.dropDatabase();
    await db.close();
  });
  return db;
}

/** Stores what an entity became, as the engine does: some journal records still in the document, some in the journal. */
export async function storeState<State>(
  db: Connection,
  options: MongoStoreOptions,
  key: string,
  state: State | undefined,
  {
    riding = [],
    written = [],
  }: { readonly riding?: readonly JournalRecord[]; readonly written?: readonly JournalRecord[] } = {},
): Promise<void> {
  const store = createMongoStore<State>(db, options);
  await store.prepare();
  const handled = [{ id: `${key}-message`, answer: { type: 'some.answer', body: { key } } }];
  await store.commit([
    { over: 0, document: { ...emptyDocument<State>(key), version: 1, state, handled, journal: riding } },
  ]);
  if (written.length > 0) await store.append(written);
}
