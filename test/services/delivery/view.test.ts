import test from 'ava';
import { deliveriesCollection } from '#services/delivery/model.ts';
import type { DeliveryState } from '#services/delivery/delivery.ts';
import { deliveryView } from '#services/delivery/view.ts';
import { freshDatabase, storeState } from '#test/support/stored.ts';

const details = { orderId: 'o1', customerId: 'alice', items: [{ sku: 'book', quantity: 2 }] };

test('a delivery is found by its order, with its items, state and times', async (t) => {
  const db = await freshDatabase(t);
  const store = (key: string, state: DeliveryState) => storeState(db, { collection: deliveriesCollection }, key, state);
  await store('o1', { status: 'dispatched', details, createdAt: 0, dispatchedAt: 7 });
  await store('o2', { status: 'cancelled', orderId: 'o2', reason: 'timed_out' });
  const view = deliveryView(db);
  t.deepEqual(await view.byOrder('o1'), {
    items: [
      {
        id: 'dlv-o1',
        ...details,
        status: 'dispatched',
        dispatchedAt: '1970-01-01T00:00:00.007Z',
        createdAt: '1970-01-01T00:00:00.000Z',
      },
    ],
  });
  t.deepEqual(await view.byOrder('o2'), { items: [] });
  t.deepEqual(await view.byOrder('o3'), { items: [] });
});
