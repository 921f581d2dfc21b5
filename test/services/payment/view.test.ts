import test from 'ava';
import { paymentIndexes, paymentsCollection } from '#services/payment/model.ts';
import type { PaymentState } from '#services/payment/payment.ts';
import { paymentView } from '#services/payment/view.ts';
import { freshDatabase, storeState } from '#test/support/stored.ts';

const details = {
  paymentId: 'pay-o1',
  orderId: 'o1',
  customerId: 'alice',
  amount: { amount: 60, currency: 'EUR' },
  method: 'pm_ok',
} as const;

test('a payment is found by its order, with its amount, state and times', async (t) => {
  const db = await freshDatabase(t);
  const store = (key: string, state: PaymentState) =>
    storeState(db, { collection: paymentsCollection, indexes: paymentIndexes }, key, state);
  await store('pay-o1', { status: 'settled', details, createdAt: 0, holdId: 'h1', captureId: 'c1', capturedAt: 7 });
  await store('pay-o2', { status: 'voided', paymentId: 'pay-o2', orderId: 'o2', reason: 'cancelled' });
  const view = paymentView(db);
  const { paymentId: id, ...shown } = details;
  t.deepEqual(await view.byOrder('o1'), {
    items: [
      {
        id,
        ...shown,
        status: 'settled',
        capturedAt: '1970-01-01T00:00:00.007Z',
        createdAt: '1970-01-01T00:00:00.000Z',
      },
    ],
  });
  t.deepEqual(await view.byOrder('o2'), { items: [] });
});
