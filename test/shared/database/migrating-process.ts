/** A runner that takes its time after each batch: to be killed. Arguments: URL, name of the database, owner. */
import { createConnection } from 'mongoose';
import { systemClock } from '#shared/clock.ts';
import { migrateUp } from '#shared/database/migrating.ts';
import { tagged } from './tagged.ts';

const [url = '', dbName = '', owner = ''] = process.argv.slice(2);
const db = await createConnection(url, { dbName }).asPromise();
const migrations = [tagged({ pauseMs: 300 })];
await migrateUp({ db, migrations, owner, clock: systemClock, say: () => {}, lockExpiresAfterMs: 900 });
await db.close();
