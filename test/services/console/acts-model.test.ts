import test from 'ava';
import { createConnection } from 'mongoose';
import { createMongoActs } from '#services/console/acts-model.ts';
import { systemClock } from '#shared/clock.ts';
import { silentLog } from '#shared/log.ts';
import { mongoWorld } from '#test/support/mongo-world.ts';

const act = { by: 'root', operation: 'setFaults', method: 'PUT', path: '/v1/faults/payment', status: 200 };

test('acts are kept, and listed newest first, page by page', async (t) => {
  const { db } = await mongoWorld(t);
  const acts = createMongoActs(db, silentLog);
  await acts.prepare();
  await acts.prepare();
  const recorded = [];
  for (let nth = 0; nth < 3; nth += 1) {
    const one = { ...act, id: systemClock.id(), at: new Date(1000 + nth).toISOString(), reason: `${nth}` };
    recorded.unshift(one);
    await acts.record(one);
  }
  const { items, nextCursor } = await acts.list({ limit: 2 });
  t.deepEqual(items, recorded.slice(0, 2));
  t.deepEqual(await acts.list({ limit: 2, cursor: nextCursor }), { items: recorded.slice(2) });
});

test('without a database an act stands in the log, and who acted is answered', async (t) => {
  const db = createConnection();
  const said: string[] = [];
  const log = { ...silentLog, info: (text: string) => said.push(text), warn: (text: string) => said.push(text) };
  await createMongoActs(db, log).record({ ...act, id: 'a', at: new Date(0).toISOString() });
  t.deepEqual(said, ['an operator acted', 'an act of an operator stands in the log alone']);
});
