import { createConnection, type Connection } from 'mongoose';
import type { Clock } from '#shared/clock.ts';
import { createMongoStore, type MongoStoreOptions } from '#shared/entity/stores/mongo-store.ts';
import type { EntityStore } from '#shared/entity/store.ts';
import { reasonOf } from '#shared/errors.ts';
import { insist } from '#shared/insist.ts';
import type { Log } from '#shared/log.ts';
import { within } from '#shared/within.ts';
import { limited } from './limited.ts';

/** How long nothing is answered until the client is replaced by a new one, ms. */
const RENEW_AFTER_MS = 20_000;
const PING_EVERY_MS = 2000;
const PING_LIMIT_MS = 5000;
const CONNECT = { baseMs: 200, capMs: 3000 };
const PREPARE = { baseMs: 1000, capMs: 1000 };

/**
 * Connects in the background, until it succeeds or `stopping`; afterwards the driver reconnects. Queries fail while it is away. A client
 * that gets no answer for long is replaced: a command that the driver (mongodb 7.8) writes in the very moment in which its
 * connection is closed is never answered, and when that was the question whether the server is there, the driver never asks again.
 */
export function connectMongo(
  url: string,
  clock: Clock,
  log: Log,
  stopping: AbortSignal,
  renewAfterMs = RENEW_AFTER_MS,
): Connection {
  const db = createConnection();
  const options = {
    serverSelectionTimeoutMS: 2000,
    bufferCommands: false,
    autoIndex: false,
    ignoreUndefined: true,
    // Nobody is shown what may be rolled back. What decides asks for more: see `majority.ts`.
    readConcern: { level: 'majority' },
  } as const;
  db.on('error', (error: unknown) => log.warn('MongoDB', { reason: reasonOf(error) }));
  void (async () => {
    while (await opened()) {
      await untilSilent(db, clock, renewAfterMs, stopping);
      if (stopping.aborted) return;
      log.warn('MongoDB has not answered for long: connects anew', { ms: renewAfterMs });
      await within(clock, PING_LIMIT_MS, db.close()).catch(() => {});
    }
  })();

  /** False: it is stopping. */
  async function opened(): Promise<boolean> {
    const how = { warning: 'MongoDB is not there yet, still trying', warnAt: 1, backoff: CONNECT, signal: stopping };
    const connection = await insist({ clock, log }, { ...how, isWanted: () => !stopping.aborted }, () =>
      db.openUri(url, options),
    );
    return connection !== undefined;
  }

  return db;
}

/** Resolves when no ping was answered for so long, or when `stopping`. */
async function untilSilent(db: Connection, clock: Clock, silentMs: number, stopping: AbortSignal): Promise<void> {
  let answeredAt = clock.now();
  while (!stopping.aborted && clock.now() - answeredAt < silentMs) {
    await clock.sleep(Math.min(PING_EVERY_MS, silentMs / 4), stopping).catch(() => {});
    const answered = ping(db).then(() => true);
    if (await within(clock, PING_LIMIT_MS, answered).catch(() => false)) answeredAt = clock.now();
  }
}

/** Throws when the database does not answer. */
export async function ping(db: Connection): Promise<void> {
  await db.getClient().db(db.name).command({ ping: 1 });
}

/** Makes the indexes as soon as the database is there: tries until `prepare` succeeds. Rejects when `stopping` comes first. */
export async function prepared(
  prepare: () => Promise<void>,
  { clock, log }: { readonly clock: Clock; readonly log: Log },
  stopping?: AbortSignal,
): Promise<void> {
  const how = { warning: 'the indexes wait for MongoDB', backoff: PREPARE, ...(stopping && { signal: stopping }) };
  await insist({ clock, log }, { ...how, isWanted: () => stopping?.aborted !== true }, prepare);
  stopping?.throwIfAborted();
}

/** A store whose indexes are made, as soon as the database is there. */
export async function preparedStore<State>(
  db: Connection,
  options: MongoStoreOptions,
  clock: Clock,
  log: Log,
): Promise<EntityStore<State>> {
  const store = createMongoStore<State>(db, options);
  await prepared(store.prepare, { clock, log });
  return limited(store, clock);
}
