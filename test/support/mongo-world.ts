import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { type Connection, createConnection, mongo } from 'mongoose';
import { type EmbeddedMongoOptions, startEmbeddedMongo } from '#local/mongo/main.ts';

export type Fields = Record<string, unknown>;
export type Things = mongo.Collection<mongo.Document & { _id: string | number | boolean | null }>;

/** A value that the driver's types do not foresee, such as an id that is an object. */
export const odd = (value: unknown): never => value as never;

/** The server to test: `SWITCHYARD_REAL_MONGO_URL`, or an embedded one of its own. */
const realUrl = process.env['SWITCHYARD_REAL_MONGO_URL'];

/** Tests of what only the embedded server has (files, limits, counters) are skipped against a real one. */
export const embeddedOnly = realUrl === undefined;

export interface MongoWorld {
  readonly db: Connection;
  /** Of the server. */
  readonly url: string;
  readonly things: Things;
}

/** A connection to a database of its own; everything is gone after the test, also a failed one. */
export async function mongoWorld(
  t: ExecutionContext,
  options: Partial<EmbeddedMongoOptions> = {},
): Promise<MongoWorld> {
  const url = realUrl ?? (await embedded(t, options));
  const db = await createConnection(url, {
    dbName: `test-${randomUUID()}`,
    promoteBuffers: false,
    monitorCommands: true,
  }).asPromise();
  t.teardown(async () => {
    await db.dropDatabase();
    await db.close();
  });
  return { db, url, things: thingsOf(db) };
}

export function thingsOf(db: Connection): Things {
  return db.getClient().db(db.name).collection('things');
}

async function embedded(t: ExecutionContext, options: Partial<EmbeddedMongoOptions>): Promise<string> {
  const server = await startEmbeddedMongo({ dataDir: await temporaryFolder(t), ...options });
  t.teardown(() => server.stop());
  return server.url;
}

export async function temporaryFolder(t: ExecutionContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'switchyard-mongo-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** The code of the server's refusal; fails when there was none. */
export async function codeOf(refused: Promise<unknown>): Promise<number | undefined> {
  try {
    await refused;
  } catch (error) {
    return (error as { code?: number }).code;
  }
  throw new Error('the server did not refuse');
}
