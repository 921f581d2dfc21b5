import test from 'ava';
import type { OrderDetails } from '#services/order/contract.ts';
import { orderIndexes, ordersCollection } from '#services/order/model.ts';
import type { OrderState } from '#services/order/order.ts';
import { orderView, shown } from '#services/order/view.ts';
import { freshDatabase, storeState } from '#test/support/stored.ts';

const details = (orderId: string, customerId: string): OrderDetails => ({
  orderId,
  customerId,
  email: 'a@example.org',
  items: [{ sku: 'tea', quantity: 1, unitPrice: { amount: 5, currency: 'EUR' } }],
  total: { amount: 5, currency: 'EUR' },
  paymentMethod: 'pm_ok',
});
const pending = (orderId: string, customerId: string): OrderState => ({
  status: 'pending',
  details: details(orderId, customerId),
  createdAt: 1,
  updatedAt: 2,
});

test('orders are found by id and listed newest first by customer and state, page by page', async (t) => {
  const db = await freshDatabase(t);
  const store = (key: string, state: OrderState) =>
    storeState(db, { collection: ordersCollection, indexes: orderIndexes }, key, state);
  for (const n of [1, 2, 3, 4, 5]) await store(`o${n}`, pending(`o${n}`, n === 5 ? 'bob' : 'alice'));
  const failure = { reason: 'cancelled', step: 'hold-funds' };
  await store('o6', { ...details, ...pending('o6', 'alice'), status: 'cancelled', failure } as OrderState);
  await store('o7', { status: 'unplaced', end: { status: 'failed', failure } });
  const view = orderView(db);

  t.deepEqual(await view.find('o1'), shown(pending('o1', 'alice')));
  t.is(await view.find('o7'), undefined);
  t.is(await view.find('o8'), undefined);

  const ids = async (query: Parameters<typeof view.list>[0]) => {
    const { items, nextCursor } = await view.list(query);
    return [items.map((order) => order.id), nextCursor];
  };
  t.deepEqual(await ids({ limit: 10 }), [['o6', 'o5', 'o4', 'o3', 'o2', 'o1'], undefined]);
  t.deepEqual(await ids({ customerId: 'alice', status: 'pending', limit: 3 }), [['o4', 'o3', 'o2'], 'o2']);
  t.deepEqual(await ids({ customerId: 'alice', status: 'pending', limit: 3, cursor: 'o2' }), [['o1'], undefined]);
  t.deepEqual(await ids({ customerId: 'alice', limit: 5 }), [['o6', 'o4', 'o3', 'o2', 'o1'], undefined]);
  t.deepEqual(await ids({ customerId: 'nobody', limit: 5 }), [[], undefined]);
});
