import test from 'ava';
import type { Connection } from 'mongoose';
import { startEmbeddedMongo } from '#local/mongo/protocol/server.ts';
import { systemClock } from '#shared/clock.ts';
import { connectMongo, ping } from '#shared/database/database.ts';
import { limited } from '#shared/database/limited.ts';
import { silentLog } from '#shared/log.ts';
import { Late } from '#shared/within.ts';
import { temporaryFolder } from '#test/support/mongo-world.ts';
import { startTcpProxy } from '#test/support/tcp-proxy.ts';
import { until } from '#test/support/until.ts';
import { createVirtualClock } from '#test/support/virtual-clock.ts';

const answers = (db: Connection): Promise<boolean> =>
  ping(db).then(
    () => true,
    () => false,
  );

/** Leaves the driver as it is after its question whether the server is there was lost: it does not ask again. */
function stopMonitoring(db: Connection): void {
  const { topology } = db.getClient() as unknown as {
    readonly topology: { readonly s: { readonly servers: ReadonlyMap<string, { readonly monitor: Monitor }> } };
  };
  for (const { monitor } of topology.s.servers.values()) monitor.monitorId.stop();
}
interface Monitor {
  readonly monitorId: { stop(): void };
}

test('a client that does not see that the database is back is replaced by a new one', async (t) => {
  const server = await startEmbeddedMongo({ dataDir: await temporaryFolder(t), port: 0 });
  t.teardown(() => server.stop());
  const relay = await startTcpProxy('127.0.0.1', server.port);
  t.teardown(() => relay.close());
  const stopping = new AbortController();
  const db = connectMongo(`mongodb://127.0.0.1:${relay.port}/x`, systemClock, silentLog, stopping.signal, 3000);
  t.teardown(async () => {
    stopping.abort();
    await db.close();
  });
  await until('it is connected', () => answers(db), Boolean);
  const things = db.collection<{ n: number }>('things');
  await things.insertOne({ n: 1 });

  stopMonitoring(db);
  relay.cut();
  t.false(await answers(db));
  await until('it answers again', () => answers(db), Boolean, { limitMs: 30_000 });
  await things.insertOne({ n: 2 });
  t.is(await things.countDocuments(), 2);
});

test('a call that the database never answers is given up, so that its key goes on', async (t) => {
  const clock = createVirtualClock();
  const silent = limited(
    { load: never, commit: never, remember: never, recall: never, records: never, append: never, due: never },
    clock,
    1000,
  );
  for (const call of [
    () => silent.load(['a']),
    () => silent.commit([]),
    () => silent.remember([]),
    () => silent.recall('a', []),
    () => silent.records([]),
    () => silent.append([]),
    () => silent.due(0, 1),
  ]) {
    const asked = t.throwsAsync(call(), { instanceOf: Late });
    await clock.advance(1000);
    await asked;
  }
});

const never = (..._asked: readonly unknown[]): Promise<never> => new Promise(() => {});
