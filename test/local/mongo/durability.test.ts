import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { ExecutionContext } from 'ava';
import { type Connection, createConnection } from 'mongoose';
import { startEmbeddedMongo } from '#local/mongo/main.ts';
import { codeOf, embeddedOnly, temporaryFolder, thingsOf } from '#test/support/mongo-world.ts';
import { testIf } from '#test/support/test-if.ts';
import { systemClock } from '#shared/clock.ts';

const embedded = testIf(embeddedOnly, 'only the embedded database has it');
const program = fileURLToPath(import.meta.resolve('#local/mongo/main.ts'));

interface Process {
  readonly child: ChildProcess;
  readonly url: string;
}

async function start(t: ExecutionContext, data: string): Promise<Process> {
  const child = spawn(process.execPath, [program, '--data', data, '--port', '0'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.teardown(() => child.kill('SIGKILL'));
  for await (const line of createInterface({ input: child.stdout })) {
    const { url } = JSON.parse(line) as { url?: string };
    if (url !== undefined) return { child, url };
  }
  throw new Error('the server ended before it listened');
}

async function connected(t: ExecutionContext, url: string): Promise<Connection> {
  const db = await createConnection(url, {
    dbName: 'd',
    serverSelectionTimeoutMS: 2000,
    socketTimeoutMS: 5000,
  }).asPromise();
  db.on('error', () => {});
  t.teardown(() => db.close(true));
  return db;
}

/** Compare-and-set writers, each over its own keys; they end when the server is gone. */
async function writeUntilDead(
  db: Connection,
  writer: number,
  confirmed: Map<string, number>,
  tried: Map<string, number>,
): Promise<void> {
  const things = thingsOf(db);
  for (let round = 1; ; round += 1) {
    const keys = Array.from({ length: 20 }, (_, n) => `w${writer}-${round % 3}-${n}`);
    for (const key of keys) tried.set(key, (confirmed.get(key) ?? 0) + 1);
    try {
      await things.bulkWrite(
        keys.map((_id) => ({
          replaceOne: {
            filter: { _id, v: confirmed.get(_id) ?? 0 },
            replacement: {
              v: tried.get(_id)!,
              mail: `${_id}@x`,
              ...(round % 2 === 0 ? { dueAt: round } : {}),
              text: 'x'.repeat(1500),
            },
            upsert: true,
          },
        })),
        { ordered: false },
      );
    } catch {
      return;
    }
    for (const key of keys) confirmed.set(key, tried.get(key)!);
  }
}

embedded('every acknowledged write survives kill -9 under load, again and again', async (t) => {
  const data = await temporaryFolder(t);
  const confirmed = new Map<string, number>();
  for (let life = 0; life < 4; life += 1) {
    const { child, url } = await start(t, data);
    const db = await connected(t, url);
    const things = thingsOf(db);
    await things.createIndex({ mail: 1 }, { unique: true });
    await things.createIndex({ dueAt: 1 }, { sparse: true });

    const stored = await things.find().toArray();
    const versions = new Map(stored.map(({ _id, v }) => [String(_id), v as number]));
    for (const [key, v] of confirmed)
      t.true((versions.get(key) ?? 0) >= v, `${key}: ${v} acknowledged, ${versions.get(key)} found`);
    const due = stored.filter(({ dueAt }) => dueAt !== undefined).map(({ _id }) => String(_id));
    const indexed = await things.find({ dueAt: { $gte: 0 } }).toArray();
    t.deepEqual(indexed.map(({ _id }) => String(_id)).sort(), due.sort());
    for (const [key, v] of versions) {
      confirmed.set(key, v);
      t.is((await things.find({ mail: `${key}@x` }).toArray()).length, 1);
    }

    const tried = new Map<string, number>();
    const writers = [1, 2, 3].map((writer) => writeUntilDead(db, writer, confirmed, tried));
    const before = confirmed.size === 0 ? 0 : Math.max(...confirmed.values());
    while (confirmed.size === 0 || Math.max(...confirmed.values()) < before + 25 + life * 60)
      await new Promise(setImmediate);
    child.kill('SIGKILL');
    await Promise.all([once(child, 'exit'), ...writers]);
    for (const [key, v] of tried) if (v < (confirmed.get(key) ?? 0)) t.fail();
  }
  t.is(confirmed.size, 180);
});

embedded('SIGTERM stops it cleanly and everything is there afterwards', async (t) => {
  const data = await temporaryFolder(t);
  const first = await start(t, data);
  const db = await connected(t, first.url);
  await thingsOf(db).createIndex({ n: 1 });
  await thingsOf(db).insertMany(Array.from({ length: 500 }, (_, _id) => ({ _id, n: _id % 5 })));
  await thingsOf(db).deleteMany({ n: 4 });
  await db.close();
  first.child.kill('SIGTERM');
  const [code] = (await once(first.child, 'exit')) as [number | null];
  t.is(code, 0);

  const second = await startEmbeddedMongo({ dataDir: data });
  t.teardown(() => second.stop());
  const things = thingsOf(await connected(t, second.url));
  t.is(await things.countDocuments(), 400);
  t.is((await things.find({ n: 3 }).toArray()).length, 100);
  t.is(await codeOf(things.insertOne({ _id: 5 })), 11000);
  await things.insertOne({ _id: 9, n: 3 });
  t.deepEqual(
    (await things.indexes()).map(({ name }) => name),
    ['_id_', 'n_1'],
  );
});

for (const sectionBytes of [30_000, 300_000, 8_000_000]) {
  embedded(`a cache smaller than the data changes no answer, with a journal of ${sectionBytes} bytes`, async (t) => {
    const dataDir = await temporaryFolder(t);
    const server = await startEmbeddedMongo({ dataDir, cacheBytes: 20_000, sectionBytes });
    t.teardown(() => server.stop());
    const things = thingsOf(await connected(t, server.url));
    await things.createIndex({ n: 1 });
    for (let round = 0; round < 5; round += 1) {
      const replaceOne = (_id: number) => ({
        filter: { _id, v: round },
        replacement: { v: round + 1, n: (_id + round) % 7, text: 'x'.repeat(500) },
        upsert: true,
      });
      for (let start = 0; start < 200; start += 20) {
        const ids = Array.from({ length: 20 }, (_, n) => start + n);
        await things.bulkWrite(
          ids.map((_id) => ({ replaceOne: replaceOne(_id) })),
          { ordered: false },
        );
      }
      await things.deleteMany({ _id: { $in: [190, 191, 192] } });
      await things.insertMany([190, 191, 192].map((_id) => ({ _id, v: round + 1, n: 6, text: '' })));
      t.is((await things.findOne({ _id: 100 }))!['n'], (100 + round) % 7);
      const sixes = Array.from({ length: 190 }, (_, _id) => (_id + round) % 7).filter((n) => n === 6).length;
      const late = [193, 194, 195, 196, 197, 198, 199].filter((_id) => (_id + round) % 7 === 6).length;
      t.is((await things.find({ n: 6 }).toArray()).length, sixes + late + 3);
      t.is(await things.estimatedDocumentCount(), 200);
    }
    t.is(await things.countDocuments({ v: 5 }), 200);
  });
}

embedded('at the size limit writes are refused with code 14031 and reads and deletes go on', async (t) => {
  const server = await startEmbeddedMongo({
    dataDir: await temporaryFolder(t),
    maxBytes: 2_000_000,
    sectionBytes: 100_000,
  });
  t.teardown(() => server.stop());
  const things = thingsOf(await connected(t, server.url));
  let written = 0;
  const code = await codeOf(
    (async () => {
      for (; written < 3000; written += 1) await things.insertOne({ _id: written, text: 'x'.repeat(5000) });
    })(),
  );
  t.is(code, 14031);
  t.true(written > 100);
  t.is(await things.countDocuments(), written);
  t.is(await codeOf(things.updateOne({ _id: 1 }, { $set: { a: 1 } })), 14031);
  await things.deleteMany({ _id: { $gte: 10 } });
  t.is(await things.countDocuments(), 10);
  // What was deleted makes room.
  t.is((await things.updateOne({ _id: 1 }, { $set: { a: 1 } })).modifiedCount, 1);
});

embedded('a data directory belongs to one server', async (t) => {
  const dataDir = await temporaryFolder(t);
  const server = await startEmbeddedMongo({ dataDir });
  t.teardown(() => server.stop());
  await t.throwsAsync(startEmbeddedMongo({ dataDir }), { message: /locked|in use/ });
});

embedded('documents of a TTL index expire, others stay', async (t) => {
  let aheadMs = 0;
  const clock = { ...systemClock, now: () => systemClock.now() + aheadMs };
  const server = await startEmbeddedMongo({ dataDir: await temporaryFolder(t), clock, expiryMs: 20 });
  t.teardown(() => server.stop());
  const things = thingsOf(await connected(t, server.url));
  await things.createIndex({ at: 1 }, { expireAfterSeconds: 3600 });
  const at = (minutes: number): Date => new Date(clock.now() + minutes * 60_000);
  await things.insertMany([{ _id: 1, at: at(-61) }, { _id: 2, at: at(-50) }, { _id: 3, at: 'never' }, { _id: 4 }]);
  const left = async () => (await things.find().toArray()).map(({ _id }) => _id);
  while ((await left()).length > 3) await systemClock.sleep(5);
  t.deepEqual(await left(), [2, 3, 4]);
  aheadMs = 600_001;
  while ((await left()).length > 2) await systemClock.sleep(5);
  t.deepEqual(await left(), [3, 4]);
});
