import test from 'ava';
import { createConnection } from 'mongoose';
import { decide, initially } from '#services/circuit-breaker/breaker.ts';
import { createHistory, transitionsCollection } from '#services/circuit-breaker/history.ts';
import { silentLog } from '#shared/log.ts';
import { until } from '#test/support/broker-world.ts';
import { mongoWorld } from '#test/support/mongo-world.ts';
import { createVirtualClock } from '#test/support/virtual-clock.ts';
import { policy } from './world.ts';

const opened = decide(policy, initially, { kind: 'expired' });

test('a transition is kept for later questions', async (t) => {
  const { db } = await mongoWorld(t);
  const clock = createVirtualClock();
  const history = createHistory(db, clock, silentLog);
  history.record('payment', opened);
  history.record('payment', decide(policy, initially, { kind: 'cycle-ended' }));
  history.record('payment', opened);
  await until(async () => (await db.collection(transitionsCollection).countDocuments()) === 1);
  const stored = await db.collection(transitionsCollection).findOne({});
  t.like(stored, { route: 'payment', from: 'closed', to: 'half_open', generation: 1, at: clock.now() });
  history.stop();
});

test('without a database it waits, and leaves nothing behind when it is stopped', async (t) => {
  const clock = createVirtualClock();
  const db = createConnection();
  let tries = 0;
  const failing = {
    collection: () => ({
      insertOne() {
        tries += 1;
        return Promise.reject(new Error('not connected'));
      },
    }),
  };
  const history = createHistory(failing as unknown as typeof db, clock, silentLog);
  for (let index = 0; index < 2000; index += 1) history.record('payment', opened);
  await clock.advance(11_000);
  t.is(tries, 3);
  history.stop();
  await clock.advance(60_000);
  t.is(tries, 3);
});
