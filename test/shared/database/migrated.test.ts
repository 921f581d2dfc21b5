import test from 'ava';
import { systemClock } from '#shared/clock.ts';
import { untilMigrated } from '#shared/database/migrated.ts';
import { migrateUp } from '#shared/database/migrating.ts';
import { silentLog } from '#shared/log.ts';
import { mongoWorld } from '#test/support/mongo-world.ts';
import { until } from '#test/support/until.ts';
import { tagged } from './tagged.ts';

test('a service waits for the migrations that it needs, says which are missing, and minds no newer ones', async (t) => {
  const { db } = await mongoWorld(t);
  const [first, second, newer] = ['0001-a', '0002-b', '0003-newer'].map((name) => tagged({ name })) as [
    never,
    never,
    never,
  ];
  const stopping = new AbortController();
  const how = { clock: systemClock, log: silentLog, signal: stopping.signal };
  const waiting = untilMigrated(db, [first, second], how);
  const told = (): string | undefined => t.throws(() => waiting.check())?.message;
  const options = { db, owner: 'one', clock: systemClock, say: () => {} };
  await until('what is missing', told, (text) => text?.includes('0001-a, 0002-b') === true);
  t.regex(told()!, /npm run migrate -- up/);
  await migrateUp({ ...options, migrations: [first] });
  await until('what is missing', told, (text) => text?.includes('lacks 0002-b') === true);
  await migrateUp({ ...options, migrations: [first, second, newer] });
  await waiting.done;
  t.notThrows(() => waiting.check());
  await untilMigrated(db, [], how).done;
  const stopped = untilMigrated(db, [tagged({ name: '0009-never' })], how);
  stopping.abort();
  await stopped.done;
});
