import test from 'ava';
import { archivedCollections } from '#local/commands/archive.ts';
import { auditOver } from '#local/commands/audit.ts';
import { cancel } from '#services/saga/contract.ts';
import { place } from '#services/order/contract.ts';
import { DAY_MS, idAt } from '#shared/database/archive.ts';
import { archive } from '#shared/database/archiving.ts';
import { systemClock } from '#shared/clock.ts';
import { openDocuments } from '#test/support/documents.ts';
import { createShop, isEnded } from '#test/support/place.ts';
import { SHORT_TIMES, startStack } from '#test/support/stack.ts';
import { createTraffic } from '#test/support/traffic.ts';
import { until } from '#test/support/until.ts';
import { commandMessage, connectWire } from '#test/support/wire.ts';

const LONG_AGO = systemClock.now() - 100 * DAY_MS;
const KINDS = [
  { customerId: 'kept', amount: 100, status: 'completed' },
  { customerId: 'kept', amount: 1_000_000, status: 'failed' },
  { customerId: 'nobody', amount: 100, status: 'failed' },
] as const;
const COUNT = 30;

test('orders of long ago are archived while others run, and everything that can be asked about them is answered as before', async (t) => {
  await using stack = await startStack({ env: SHORT_TIMES });
  await using documents = await openDocuments(stack);
  await using wire = connectWire(stack);
  const shop = createShop(stack);
  const { db } = documents;
  await shop.topUp('kept', 100_000);

  // They run as all others do; only their ids are from long ago.
  const old = Array.from({ length: COUNT }, (_, n) => {
    const orderId = `${idAt(LONG_AGO + n)}-7000-8000-${String(n).padStart(12, '0')}`;
    return { orderId, ...KINDS[n % KINDS.length]! };
  });
  const placing = ({ orderId, customerId, amount }: (typeof old)[number]) => {
    const money = { amount, currency: 'EUR' } as const;
    const items = [{ sku: 'book', quantity: 1, unitPrice: money }];
    const order = { orderId, customerId, email: 'a@example.org', items, total: money, paymentMethod: 'pm_ok' };
    const replyTo = { route: 'saga', key: orderId };
    return commandMessage(place, order, { id: `${orderId}:place`, correlationId: orderId, replyTo });
  };
  await Promise.all(old.map((one) => wire.send(placing(one))));
  for (const { orderId, status } of old) {
    const stored = () => db.collection('orders').findOne({ _id: orderId as never });
    await until(`${orderId} is stored`, stored, (found) => found !== null);
    t.is((await shop.ended(orderId)).order.status, status);
  }
  const asked = async () => ({
    orders: await Promise.all(old.map(({ orderId }) => shop.order(orderId))),
    timelines: await Promise.all(old.map(({ orderId }) => shop.timeline(orderId))),
    payments: await Promise.all(old.map(({ orderId }) => shop.payments(orderId))),
    deliveries: await Promise.all(old.map(({ orderId }) => shop.deliveries(orderId))),
    mails: await Promise.all(old.map(({ orderId }) => shop.read(`/v1/orders/${orderId}/emails`))),
    entries: await shop.entries('kept'),
    wallet: await shop.wallet('kept'),
  });
  const before = await asked();
  t.is(before.orders.filter(isEnded).length, COUNT);
  t.true(before.payments.every(({ length }) => length === 1));

  const traffic = createTraffic(shop, stack);
  const load = traffic.stream(60, 12);
  load.catch(() => {}); // awaited below
  await until(
    'others run',
    async () => traffic.accepted.size,
    (size) => size > 5,
  );
  const moved = new Map<string, number>();
  for (const [collection, rule] of archivedCollections) {
    const options = { collection, rule, before: LONG_AGO + DAY_MS, clock: systemClock, batch: 7, pauseMs: 20 };
    // By when it was made it may go; that it ended long ago as well is the one thing that is not so here.
    const ended = { ...rule, endedAt: (state: never) => rule.endedAt(state) && LONG_AGO };
    moved.set(collection, await archive(db, { ...options, rule: ended }));
    t.deepEqual(await asked(), before, `${collection} archived`);
  }
  t.deepEqual(
    [...moved].filter(([, count]) => count > 0).map(([collection]) => collection),
    ['orders', 'payments', 'deliveries', 'notifications', 'sagas'],
  );
  t.is(moved.get('orders'), COUNT);
  t.is(await documents.count('orders_archive'), COUNT);
  const { items } = await auditOver(stack.api, { graceMs: 300 });
  t.deepEqual(items, []);

  // What comes late is answered as ever, and changes nothing.
  await Promise.all(old.map((one) => wire.send({ ...placing(one), id: `${one.orderId}:again` })));
  for (const { orderId } of old)
    await wire.send(commandMessage(cancel, { orderId }, { id: `${orderId}:late`, correlationId: orderId }));
  for (const { orderId } of old) {
    await documents.handled('orders', orderId, `${orderId}:again`);
    await documents.handled('sagas', orderId, `${orderId}:late`);
  }
  t.deepEqual(await asked(), before, 'after late messages');
  await load;
  await traffic.allEnded(120_000);
  const atRest = await auditOver(stack.api, { graceMs: 300, hangingAfterMs: 0 });
  t.deepEqual(atRest.items, []);
  t.is(atRest.checked.orders, COUNT + traffic.accepted.size);
});
