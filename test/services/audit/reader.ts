/** A process that audits the database at `argv[2]` and tells on standard output what it found and how much memory that took. */
import { createConnection } from 'mongoose';
import { auditBooks } from './books.ts';

const [, , url = '', dbName = ''] = process.argv;
const db = await createConnection(url, { dbName }).asPromise();
const startedAt = performance.now();
const { checked, violations, byCheck, items } = await auditBooks(db, { limit: 5 });
const ms = Math.round(performance.now() - startedAt);
const rssMb = Math.round(process.resourceUsage().maxRSS / 1024);
process.stdout.write(JSON.stringify({ checked, violations, byCheck, items, ms, rssMb }));
await db.close();
