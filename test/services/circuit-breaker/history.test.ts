import test from 'ava';
import { createConnection } from 'mongoose';
import { decide, initially } from '#services/circuit-breaker/breaker.ts';
import { createHistory, type StoredTransition, transitionsCollection } from '#services/circuit-breaker/history.ts';
import { breakerView } from '#services/circuit-breaker/view.ts';
import { silentLog } from '#shared/log.ts';
import type { Page } from '#shared/web/cursors.ts';
import { untilTrue } from '#test/support/until.ts';
import { mongoWorld } from '#test/support/mongo-world.ts';
import { createVirtualClock } from '#test/support/virtual-clock.ts';
import { policy } from './world.ts';

const opened = decide(policy, initially, { kind: 'expired' });

test('a transition is kept once, with the time at which it was decided, and only for a time', async (t) => {
  const { db } = await mongoWorld(t);
  const history = createHistory(db, createVirtualClock(), silentLog);
  history.record('payment', opened, 5000);
  history.record('payment', decide(policy, initially, { kind: 'cycle-ended' }), 6000);
  history.record('payment', opened, 5000);
  history.record('wallet', opened, 7000);
  const stored = db.collection<StoredTransition>(transitionsCollection);
  await untilTrue(async () => (await stored.countDocuments({ route: 'wallet' })) === 1);
  t.is(await stored.countDocuments(), 2);
  t.like(await stored.findOne({ route: 'payment' }), {
    from: 'closed',
    to: 'half_open',
    generation: 1,
    at: new Date(5000),
  });
  const expiring = (await stored.indexes()).filter(({ expireAfterSeconds }) => expireAfterSeconds !== undefined);
  t.like(expiring, [{ key: { at: 1 }, expireAfterSeconds: 90 * 24 * 3600 }]);
  history.stop();
});

test('the history of a route is read newest first, page by page, each transition once', async (t) => {
  const { db } = await mongoWorld(t);
  const history = createHistory(db, createVirtualClock(), silentLog);
  const { transitions } = breakerView(db);
  t.deepEqual(await transitions('payment', { limit: 3 }), { items: [] });
  // Two in one millisecond: the generation tells them apart.
  const times = [1000, 2000, 2000, 3000, 4000, 4000, 5000];
  for (const [index, at] of times.entries()) {
    const state = { ...opened.state, generation: index + 1 };
    history.record('payment', { ...opened, state }, at);
  }
  history.record('wallet', opened, 9000);
  await untilTrue(async () => (await transitions('wallet', { limit: 1 })).items.length === 1);
  const seen: unknown[] = [];
  let pages = 0;
  for (let cursor: string | undefined = ''; cursor !== undefined; pages += 1) {
    const page: Page<object> = await transitions('payment', { limit: 3, cursor: cursor || undefined });
    seen.push(...page.items);
    cursor = page.nextCursor;
  }
  t.is(pages, 3);
  t.deepEqual(
    seen.map((one) => (one as { generation: number }).generation),
    [7, 6, 5, 4, 3, 2, 1],
  );
  t.deepEqual(seen[0], {
    from: 'closed',
    to: 'half_open',
    at: '1970-01-01T00:00:05.000Z',
    cycle: 1,
    expired: 0,
    cause: 'a message expired',
    generation: 7,
  });
  history.stop();
});

test('without a database it waits, and leaves nothing behind when it is stopped', async (t) => {
  const clock = createVirtualClock();
  const db = createConnection();
  let tries = 0;
  const failing = {
    collection: () => ({
      createIndex: () => Promise.resolve(),
      insertOne() {
        tries += 1;
        return Promise.reject(new Error('not connected'));
      },
    }),
  };
  const history = createHistory(failing as unknown as typeof db, clock, silentLog);
  for (let index = 0; index < 2000; index += 1) history.record('payment', opened, index);
  await clock.advance(11_000);
  t.is(tries, 3);
  history.stop();
  await clock.advance(60_000);
  t.is(tries, 3);
});
