/** What is archived is read and audited as before. */
import test from 'ava';
import type { Connection } from 'mongoose';
import { auditBooks, CANCELLED, COMPLETED, FAILED, NOW, RUNNING, storeBooks } from '#test/services/audit/books.ts';
import { deliveriesCollection, deliveryArchive } from '#services/delivery/model.ts';
import { deliveryView } from '#services/delivery/view.ts';
import { notifyView } from '#services/notify/view.ts';
import { orderView } from '#services/order/view.ts';
import { paymentView } from '#services/payment/view.ts';
import { sagaView } from '#services/saga/view.ts';
import { notificationArchive, notificationsCollection } from '#services/notify/model.ts';
import { orderArchive, ordersCollection } from '#services/order/model.ts';
import { paymentIdOf } from '#services/payment/contract.ts';
import { paymentArchive, paymentsCollection } from '#services/payment/model.ts';
import { sagaArchive, sagasCollection } from '#services/saga/model.ts';
import { archiveOf } from '#shared/database/archive.ts';
import { archive } from '#shared/database/archiving.ts';
import { systemClock } from '#shared/clock.ts';
import { mongoWorld } from '#test/support/mongo-world.ts';

const ORDERS = 40;

async function archiveAll(db: Connection): Promise<readonly number[]> {
  const common = { before: NOW, clock: systemClock, pauseMs: 0, batch: 7 };
  return [
    await archive(db, { ...common, collection: ordersCollection, rule: orderArchive }),
    await archive(db, { ...common, collection: sagasCollection, rule: sagaArchive }),
    await archive(db, { ...common, collection: paymentsCollection, rule: paymentArchive }),
    await archive(db, { ...common, collection: deliveriesCollection, rule: deliveryArchive }),
    await archive(db, { ...common, collection: notificationsCollection, rule: notificationArchive }),
  ];
}

test('an archived order is shown with all that belongs to it, and no longer listed', async (t) => {
  const { db } = await mongoWorld(t);
  await storeBooks(db, ORDERS, 3);
  const shown = (orderId: string) =>
    Promise.all([
      orderView(db).find(orderId),
      sagaView(db).timeline(orderId),
      paymentView(db).byOrder(orderId),
      deliveryView(db).byOrder(orderId),
      notifyView(db).emails(orderId),
    ]);
  const all = [COMPLETED, FAILED, CANCELLED, RUNNING];
  const before = await Promise.all(all.map(shown));
  t.deepEqual(await archiveAll(db), [30, 30, 30, 20, 30]);
  t.is(await db.collection(ordersCollection).countDocuments(), ORDERS / 4);
  t.deepEqual(await Promise.all(all.map(shown)), before);
  t.is(before[0]?.[2].items.length, 1);
  t.is(before[0]?.[4].items.length, 1);
  const { items } = await orderView(db).list({ limit: 100 });
  t.is(items.length, ORDERS / 4);
  t.true(items.every(({ status }) => status === 'pending'));
});

test('the audit finds nothing wrong with what is archived, half archived or back again, at any page size', async (t) => {
  const { db } = await mongoWorld(t);
  await storeBooks(db, ORDERS, 3);
  const before = await auditBooks(db);
  t.is(before.violations, 0);
  await archive(db, {
    collection: paymentsCollection,
    rule: paymentArchive,
    before: NOW,
    clock: systemClock,
  });
  t.deepEqual(await auditBooks(db), before);
  await archiveAll(db);
  for (const pageSize of [1, 7, 41]) t.deepEqual(await auditBooks(db, { pageSize }), before, String(pageSize));
  const back = await db.collection(archiveOf(ordersCollection)).findOne({ _id: FAILED as never });
  await db.collection(ordersCollection).insertOne(back!);
  t.deepEqual(await auditBooks(db), before);
});

test('the audit finds what is missing in the archive', async (t) => {
  const { db } = await mongoWorld(t);
  await storeBooks(db, ORDERS, 3);
  await archiveAll(db);
  await db.collection(archiveOf(paymentsCollection)).deleteOne({ _id: paymentIdOf(COMPLETED) as never });
  const { items } = await auditBooks(db);
  t.deepEqual([...new Set(items.map(({ orderId }) => orderId))], [COMPLETED]);
});
