import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import test from 'ava';
import { createConnection } from 'mongoose';
import { orderIdOf, storeBooks } from './books.ts';
import { startEmbeddedMongo } from '#local/mongo/main.ts';
import type { AuditReport } from '#services/audit/report.ts';

interface Told extends AuditReport {
  readonly ms: number;
  readonly rssMb: number;
}

const HEAP_MB = 36;

/** Audits in a process of its own that dies when it needs more than `HEAP_MB` for what it keeps. */
async function audited(url: string, dbName: string): Promise<Told> {
  const reader = join(import.meta.dirname, 'reader.ts');
  const limits = [`--max-old-space-size=${HEAP_MB}`, '--disable-warning=ExperimentalWarning'];
  const { stdout } = await promisify(execFile)(process.execPath, [...limits, reader, url, dbName]);
  return JSON.parse(stdout) as Told;
}

/** Nine or ten documents each: kept, the facts of 10,000 orders would not fit. */
const ORDERS = Number(process.env['AUDIT_ORDERS'] ?? 10_000);

test('95,000 documents are audited in a heap that could not keep them', async (t) => {
  t.timeout(600_000);
  const folder = await mkdtemp(join(tmpdir(), 'switchyard-audit-'));
  const server = await startEmbeddedMongo({ dataDir: folder });
  t.teardown(async () => {
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  });
  const db = await createConnection(server.url, { dbName: 'books' }).asPromise();
  t.teardown(() => db.close());
  const documents = await storeBooks(db, ORDERS, 50);
  const sound = await audited(server.url, 'books');
  t.deepEqual([sound.checked.orders, sound.violations], [ORDERS, 0]);
  t.log(`${documents} documents of ${ORDERS} orders: ${sound.ms} ms, ${sound.rssMb} MB resident`);

  await db.collection('deliveries').deleteMany({ _id: { $lt: orderIdOf(2000) } } as object);
  const damaged = await audited(server.url, 'books');
  const completed = 500;
  t.deepEqual([damaged.violations, damaged.byCheck.completed, damaged.items.length], [completed, completed, 5]);
  t.log(`${completed} violations, each read three times: ${damaged.ms} ms, ${damaged.rssMb} MB resident`);
});
