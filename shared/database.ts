import { createConnection, type Connection } from 'mongoose';
import { backoffMs } from './backoff.ts';
import type { Clock } from './clock.ts';
import { createMongoStore, type MongoStoreOptions } from './entity/mongo-store.ts';
import type { EntityStore } from './entity/store.ts';
import { reasonOf } from './errors.ts';
import type { Log } from './log.ts';

/** Connects in the background, until it succeeds or `stopping`; afterwards the driver reconnects. Queries fail while it is away. */
export function connectMongo(url: string, clock: Clock, log: Log, stopping: AbortSignal): Connection {
  const db = createConnection();
  const options = { serverSelectionTimeoutMS: 2000, bufferCommands: false, autoIndex: false, ignoreUndefined: true };
  db.on('error', (error: unknown) => log.warn('MongoDB', { reason: reasonOf(error) }));
  void (async () => {
    for (let tries = 1; !stopping.aborted; tries += 1) {
      try {
        await db.openUri(url, options);
        return;
      } catch (error) {
        if (tries === 1) log.warn('MongoDB is not there yet, still trying', { reason: reasonOf(error) });
        await clock.sleep(backoffMs({ baseMs: 200, capMs: 3000 }, tries, clock.random), stopping).catch(() => {});
      }
    }
  })();
  return db;
}

/** Throws when the database does not answer. */
export async function ping(db: Connection): Promise<void> {
  await db.getClient().db(db.name).command({ ping: 1 });
}

/** A store whose indexes are made, as soon as the database is there. */
export async function preparedStore<State>(
  db: Connection,
  options: MongoStoreOptions,
  clock: Clock,
  log: Log,
): Promise<EntityStore<State>> {
  const store = createMongoStore<State>(db, options);
  for (;;) {
    try {
      await store.prepare();
      return store;
    } catch (error) {
      log.warn('waiting for MongoDB', { reason: reasonOf(error) });
      await clock.sleep(1000);
    }
  }
}
