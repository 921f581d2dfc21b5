import { hostname } from 'node:os';
import { createConnection } from 'mongoose';
import { migrations } from '#services/services.ts';
import { systemClock } from '#shared/clock.ts';
import { type MigrateOptions, migrateUp } from '#shared/database/migrating.ts';

/** Brings the database to what the services need, before they begin. Waits for another runner that is at it. */
export async function migrateDatabase(url: string, say: (text: string) => void): Promise<void> {
  if (migrations.length === 0) return;
  await withMigrations(url, say, migrateUp);
}

/** Connects to a database and runs this with the migrations of all services, in the name of this process. */
export async function withMigrations<Result>(
  url: string,
  say: (text: string) => void,
  run: (options: MigrateOptions) => Promise<Result>,
  signal?: AbortSignal,
): Promise<Result> {
  const db = await createConnection(url, { serverSelectionTimeoutMS: 5000 }).asPromise();
  try {
    const owner = `process ${process.pid} on ${hostname()}`;
    return await run({ db, migrations, owner, clock: systemClock, say, ...(signal && { signal }) });
  } finally {
    await db.close();
  }
}
