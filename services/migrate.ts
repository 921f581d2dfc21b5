/** Brings the database to what the services need, then ends: a job in compose. Reads `MONGO_URL`; waits for a database that is starting, and for another runner. */
import { hostname } from 'node:os';
import { migrations } from './services.ts';
import { systemClock } from '#shared/clock.ts';
import { connectMongo } from '#shared/database/database.ts';
import { migrateUp } from '#shared/database/migrating.ts';
import { ConfigError, reasonOf } from '#shared/errors.ts';
import { readConfig } from '#shared/host/config.ts';
import { databaseVariables, processVariables } from '#shared/host/variables.ts';
import { createLog } from '#shared/log.ts';

try {
  await run();
} catch (error) {
  process.stderr.write(`${reasonOf(error)}\n`);
  process.exitCode = error instanceof ConfigError ? 78 : 1;
}

async function run(): Promise<void> {
  const config = readConfig({ ...databaseVariables, LOG_LEVEL: processVariables.LOG_LEVEL }, process.env);
  const log = createLog('migrate', config.LOG_LEVEL);
  const stopping = new AbortController();
  const db = connectMongo(config.MONGO_URL, systemClock, log, stopping.signal);
  try {
    await db.asPromise();
    const owner = `${hostname()}:${process.pid}`;
    const applied = await migrateUp({ db, migrations, owner, clock: systemClock, say: (text) => log.info(text) });
    log.info(applied.length === 0 ? 'nothing to migrate' : 'migrated', { applied });
  } finally {
    stopping.abort();
    await db.close();
  }
}
