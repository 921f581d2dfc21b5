/** Migrations on a database: each document changes once, whoever runs, is killed or runs at the same time. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import test, { type ExecutionContext } from 'ava';
import type { Connection } from 'mongoose';
import { systemClock } from '#shared/clock.ts';
import { type MigrateOptions, migrateDown, migrateUp } from '#shared/database/migrating.ts';
import { LockLost, type Migration } from '#shared/database/migration.ts';
import { schemaStore } from '#shared/database/schema.ts';
import { createMongoStore } from '#shared/entity/stores/mongo-store.ts';
import { mongoWorld } from '#test/support/mongo-world.ts';
import { until } from '#test/support/until.ts';
import { tagged } from './tagged.ts';

const THINGS = 55;

async function world(t: ExecutionContext): Promise<{ db: Connection; options: MigrateOptions; said: string[] }> {
  const { db, things } = await mongoWorld(t);
  const all = Array.from({ length: THINGS }, (_, n) => ({
    _id: `thing-${n}`,
    version: 1,
    state: { name: `no. ${n}` },
  }));
  await things.insertMany(all);
  const said: string[] = [];
  const say = (text: string): void => void said.push(text);
  return { db, said, options: { db, migrations: [tagged()], owner: 'one', clock: systemClock, say } };
}

/** Versions of all things: one higher for each change. */
async function versions(db: Connection): Promise<ReadonlyMap<number, number>> {
  const stored = await db.collection('things').find({}).toArray();
  return new Map([...Map.groupBy(stored, ({ version }) => version as number)].map(([at, all]) => [at, all.length]));
}

test('what is applied is recorded once, and there is nothing to do again; down takes it back', async (t) => {
  const { db, options } = await world(t);
  const both = { ...options, migrations: [tagged({ name: '0002-more' }), tagged()] };
  t.deepEqual(await migrateUp(both), ['0001-tags', '0002-more']);
  const { version, applied, begun, lock } = await schemaStore(db).read();
  t.deepEqual([version, applied.map(({ name }) => name)], ['0002-more', ['0001-tags', '0002-more']]);
  t.deepEqual([begun, lock], [undefined, undefined]);
  t.is(await db.collection('schema').countDocuments(), 1);
  t.deepEqual(await versions(db), new Map([[3, THINGS]]));
  t.deepEqual(await migrateUp(both), []);
  t.deepEqual(await versions(db), new Map([[3, THINGS]]));
  t.deepEqual(await migrateDown(both, 0), ['0002-more', '0001-tags']);
  t.is((await schemaStore(db).read()).version, undefined);
  t.deepEqual((await db.collection('things').findOne({ version: 5 }))?.['state'], { name: 'no. 0' });
  t.deepEqual(await migrateDown(both), []);
});

test('down takes back the newest only, or all above a number; what this version does not know stays', async (t) => {
  const { db, options } = await world(t);
  const three = ['0001-a', '0002-b', '0003-c'].map((name) => tagged({ name }));
  await migrateUp({ ...options, migrations: three });
  t.deepEqual(await migrateDown({ ...options, migrations: three }), ['0003-c']);
  t.deepEqual(await migrateDown({ ...options, migrations: three }, 1), ['0002-b']);
  t.is((await schemaStore(db).read()).version, '0001-a');
  await t.throwsAsync(migrateDown({ ...options, migrations: [] }), { message: /does not know 0001-a/ });
  t.is((await schemaStore(db).read()).version, '0001-a');
});

test('of two runners at once one works; the other says who does, waits and finds nothing to do', async (t) => {
  const { db, options, said } = await world(t);
  const slow = { ...options, migrations: [tagged({ pauseMs: 150 })] };
  const results = await Promise.all([migrateUp(slow), migrateUp({ ...slow, owner: 'two' })]);
  t.deepEqual(
    results.map((names) => names.length).toSorted((a, b) => a - b),
    [0, 1],
  );
  t.true(
    said.some((text) => /waiting for (one|two)/.test(text)),
    said.join('\n'),
  );
  t.deepEqual(await versions(db), new Map([[2, THINGS]]));
  t.is((await schemaStore(db).read()).applied.length, 1);
});

test('the lock of a runner that was killed expires, and the next one goes on where it was', async (t) => {
  const { db, options, said } = await world(t);
  const { host } = new URL(`http://${db.host}:${db.port}`);
  const file = new URL('migrating-process.ts', import.meta.url).pathname;
  const child = spawn(process.execPath, [file, `mongodb://${host}`, db.name, 'killed'], { stdio: 'inherit' });
  t.teardown(() => child.kill('SIGKILL'));
  const done = async (): Promise<number> => (await schemaStore(db).read()).begun?.progress?.changed ?? 0;
  await until('two batches', done, (changed) => changed >= 20);
  child.kill('SIGKILL');
  await once(child, 'exit');
  const reached = await done();
  t.true(reached >= 20 && reached < THINGS);
  t.deepEqual(await migrateUp(options), ['0001-tags']);
  t.true(said.includes('waiting for killed, which is migrating'), said.join('\n'));
  t.true(said.includes(`0001-tags: up, goes on after ${reached} documents`), said.join('\n'));
  t.deepEqual(await versions(db), new Map([[2, THINGS]]), 'each was changed once');
});

test('a runner that works longer than its lock lives keeps it; one that lost it records nothing', async (t) => {
  const { db, options } = await world(t);
  const slow = { ...options, migrations: [tagged({ pauseMs: 100 })], lockExpiresAfterMs: 300 };
  t.deepEqual(await migrateUp(slow), ['0001-tags']);
  const schema = schemaStore(db);
  const stolen: Migration = {
    ...tagged({ name: '0002-stolen' }),
    async up({ reach }) {
      await db.collection('schema').updateOne({}, { $set: { 'lock.owner': 'another', 'lock.expiresAt': 9e15 } });
      await reach({ key: 'thing-1', changed: 1 });
    },
  };
  const error = await t.throwsAsync(migrateUp({ ...options, migrations: [tagged(), stolen] }));
  t.true((error?.cause ?? error) instanceof LockLost, String(error));
  const { version, lock } = await schema.read();
  t.deepEqual([version, lock?.owner], ['0001-tags', 'another']);
});

test('what was interrupted half way can be finished, or taken back', async (t) => {
  const { db, options } = await world(t);
  const stopping = new AbortController();
  const half = (direction: 'up' | 'down'): Migration => ({
    ...tagged(),
    [direction]: (run: Parameters<Migration['up']>[0]) =>
      tagged()[direction]({
        ...run,
        reach: async (progress) => {
          if (progress.changed >= 20) throw new Error('interrupted');
          await run.reach(progress);
        },
      }),
  });
  await t.throwsAsync(migrateUp({ ...options, migrations: [half('up')] }), { message: /interrupted/ });
  t.is((await schemaStore(db).read()).version, undefined);
  t.deepEqual(await migrateDown(options), ['0001-tags'], 'half of it counts');
  t.is(await db.collection('things').countDocuments({ 'state.0001-tags': { $exists: true } }), 0);
  await migrateUp(options);
  await t.throwsAsync(migrateDown({ ...options, migrations: [half('down')] }), { message: /interrupted/ });
  t.is((await schemaStore(db).read()).version, undefined, 'not applied any more');
  t.deepEqual(await migrateUp(options), ['0001-tags']);
  t.is(await db.collection('things').countDocuments({ 'state.0001-tags': { $exists: true } }), THINGS);
  stopping.abort(new Error('stopped'));
  await t.throwsAsync(migrateDown({ ...options, signal: stopping.signal }), { message: /stopped/ });
});

test('whoever has a document in memory loads it again: neither change is lost', async (t) => {
  const { db, options } = await world(t);
  const store = createMongoStore<{ readonly name: string }>(db, { collection: 'things' });
  const document = (await store.load(['thing-7'])).get('thing-7')!;
  await migrateUp(options);
  const renamed = { ...document, version: document.version + 1, state: { ...document.state!, name: 'new' } };
  t.deepEqual([...(await store.commit([{ over: document.version, document: renamed }])).lost], ['thing-7']);
  const again = (await store.load(['thing-7'])).get('thing-7')!;
  t.deepEqual(again.state as object, { name: 'no. 7', '0001-tags': [] });
});
