import test from 'ava';
import { Registry } from 'prom-client';
import { deadLettersWorld } from './world.ts';
import { mongoWorld } from '#test/support/mongo-world.ts';
import { noteEndedOrders } from '#services/dead-letters/ended-orders.ts';
import { burialOf } from '#services/dead-letters/letter.ts';
import { letterGauge } from '#services/dead-letters/metrics.ts';
import { createLetterStore } from '#services/dead-letters/store.ts';
import { deadLetterView } from '#services/dead-letters/view.ts';
import { endedOrders } from '#services/saga/contract.ts';
import { sagasCollection } from '#services/saga/model.ts';
import { services } from '#services/services.ts';
import type { Packet } from '#shared/bus/bus.ts';
import { systemClock } from '#shared/clock.ts';
import { archiveOf, idAt } from '#shared/database/archive.ts';
import { storedLookUp } from '#shared/web/api.ts';

const AT = new Date('2026-03-01T00:00:00.000Z');
const OPEN = systemClock.id();
const ENDED = systemClock.id();
/** As of January 2026: orders of then may be archived. */
const ARCHIVED = `${idAt(Date.parse('2026-01-01T00:00:00.000Z'))}-7000-8000-000000000000`;

const packet = (orderId: string, messageId: string): Packet => ({
  content: Buffer.from('{}'),
  type: 'wallet.hold',
  messageId,
  correlationId: orderId,
  headers: { key: orderId, 'dead-reason': 'it broke' },
});

test('what was for the saga of an order that has ended is obsolete, of open orders and for other owners it counts', async (t) => {
  const { db } = await mongoWorld(t);
  const store = createLetterStore(db);
  await store.prepare();
  const sagas = (name: string) => db.collection<{ readonly _id: string; readonly state: object }>(name);
  await sagas(sagasCollection).insertMany([
    { _id: OPEN, state: { phase: 'running' } },
    { _id: ENDED, state: { phase: 'ended', endedAt: AT.getTime() } },
  ]);
  await sagas(archiveOf(sagasCollection)).insertOne({
    _id: ARCHIVED,
    state: { phase: 'ended', endedAt: AT.getTime() },
  });
  const buried: readonly (readonly [string, string, string])[] = [
    ['wallet', OPEN, `${OPEN}:hold-funds:do`],
    ['wallet', ENDED, `${ENDED}:hold-funds:do`],
    ['wallet', ENDED, `${ENDED}:hold-funds:undo`],
    ['wallet', ARCHIVED, `${ARCHIVED}:hold-funds#2:do`],
    ['saga', ENDED, 'an answer'],
    ['order', ENDED, 'news for the order'],
    ['wallet', 'no order', 'top-up'],
  ];
  for (const [route, orderId, messageId] of buried) await store.record(burialOf(route, packet(orderId, messageId), 0));

  const view = deadLetterView(db, { now: () => AT.getTime() });
  const obsolete = async () => {
    const { items } = await view.list({}, { limit: 20 });
    return items.flatMap((letter) => (letter.obsolete ? [letter.messageId] : [])).toSorted();
  };
  t.deepEqual(await obsolete(), []);
  const lookUp = storedLookUp(services, db, systemClock);
  const options = { store, ended: (orderIds: readonly string[]) => lookUp(endedOrders, orderIds) };
  t.is(await noteEndedOrders(options), 4);
  t.is(await noteEndedOrders(options), 0, 'once');
  const [open = [], ...rest] = buried;
  t.deepEqual(
    await obsolete(),
    rest
      .slice(0, 4)
      .map(([, , id]) => id)
      .toSorted(),
  );

  const registry = new Registry();
  letterGauge(registry, store, ['saga', 'wallet', 'order'], () => AT.getTime());
  const text = await registry.metrics();
  for (const [route, state, count] of [
    ['wallet', 'dead', 2],
    ['wallet', 'obsolete', 3],
    ['saga', 'dead', 0],
    ['saga', 'obsolete', 1],
    ['order', 'dead', 1],
  ] as const)
    t.true(text.includes(`switchyard_dead_letters{route="${route}",state="${state}"} ${count}\n`), `${route} ${state}`);

  const replay = { id: 'r1', by: 'root', at: AT, ratePerS: 1 };
  t.is(await store.mark({ ...replay, select: { type: 'wallet.hold' } }), 3, 'the others are not sent into nothing');
  t.is(
    (await view.list({ state: 'replaying' }, { limit: 9 })).items.filter(({ messageId }) => messageId === open[2])
      .length,
    1,
  );

  await sagas(sagasCollection).updateOne({ _id: OPEN }, { $set: { state: { phase: 'ended', endedAt: AT.getTime() } } });
  await store.record(burialOf('wallet', { ...packet(OPEN, `${OPEN}:capture-funds:do`) }, 0));
  t.is(await noteEndedOrders(options, { type: 'wallet.hold' }), 1, 'before each replay, of what it would choose');
});

test('asked to replay a letter of an order that has just ended, the service sends nothing', async (t) => {
  const world = await deadLettersWorld(t);
  const copy = world.start();
  const burial = burialOf('wallet', packet('o1', 'o1:hold-funds:do'), 0);
  await world.store.record(burial);
  world.ended.set('o1', AT.getTime());
  t.like(await world.ask({ kind: 'replay', select: { ids: [burial.letter._id] } }), { ok: true, selected: 0 });
  t.deepEqual(
    (await world.letters()).map(({ state, orderEndedAt }) => [state, orderEndedAt]),
    [['dead', AT]],
  );
  t.deepEqual(copy.published, []);
});
