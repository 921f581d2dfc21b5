/** The order hears what the payment service answers to the saga: in any order, late, twice, or never. */
import test from 'ava';
import fc from 'fast-check';
import * as order from '#services/order/contract.ts';
import { orderEntity, type OrderState } from '#services/order/order.ts';
import { shown } from '#services/order/view.ts';
import * as payment from '#services/payment/contract.ts';
import { runEntity } from '#test/support/run-entity.ts';

const orderId = 'order-1';
const paymentId = 'pay-order-1';
const money = { amount: 1300, currency: 'EUR' } as const;
const details: order.OrderDetails = {
  orderId,
  customerId: 'alice',
  email: 'alice@example.org',
  items: [{ sku: 'tea', quantity: 1, unitPrice: money }],
  total: money,
  paymentMethod: 'pm_ok',
};
const failure = { reason: 'timed_out', step: 'create-payment' };
type Run = ReturnType<typeof runEntity<OrderState>>;

const place = (run: Run) => run.tell(order.place, details);
const created = (run: Run) => run.hear(payment.created, { paymentId });
const settled = (run: Run, capturedAt = 5) => run.hear(payment.settled, { paymentId, capturedAt });
const complete = (run: Run) =>
  run.tell(order.recordDispatch, { orderId, dispatchedAt: 9, payment: { paymentId, capturedAt: 5 } });
const fail = (run: Run) => run.tell(order.fail, { orderId, status: 'failed', failure });

test('the order has its payment when it hears of it, is paid when it hears that, and says when it was', async (t) => {
  const run = runEntity(orderEntity, { now: 100 });
  await place(run);
  run.clock.now = 200;
  await created(run);
  t.like(shown(run.state!), { status: 'pending', paymentId, payment: { status: 'created' } });
  run.clock.now = 300;
  await settled(run);
  t.like(shown(run.state!), { status: 'paid', payment: { status: 'settled', capturedAt: new Date(5).toISOString() } });
  run.clock.now = 400;
  const { type, body } = await complete(run);
  t.is(type, 'order.dispatch-recorded');
  t.deepEqual(body, { orderId, attachedAt: 200, recordedAt: 300 });
  t.is(run.state?.status, 'completed');
});

test('who does not say what the payment is gets the answer that it knows', async (t) => {
  const run = runEntity(orderEntity);
  await place(run);
  await settled(run);
  t.deepEqual((await run.tell(order.recordDispatch, { orderId, dispatchedAt: 9 })).body, { orderId });
});

test('completed before it heard anything: the payment is stored with it, and what is heard later changes nothing', async (t) => {
  const run = runEntity(orderEntity, { now: 400 });
  await place(run);
  t.deepEqual((await complete(run)).body, { orderId, attachedAt: 400, recordedAt: 400 });
  const before = run.state;
  t.like(shown(before!), { status: 'completed', payment: { id: paymentId, status: 'settled' } });
  await created(run);
  await settled(run, 7);
  t.deepEqual(run.state, before);
});

test('a payment of another order, or another capture, is not taken', async (t) => {
  const run = runEntity(orderEntity);
  await place(run);
  await created(run);
  await run.hear(payment.settled, { paymentId: 'pay-other', capturedAt: 5 });
  t.is(run.state?.status, 'pending');
  const other = { paymentId: 'pay-other', capturedAt: 5 };
  const { body } = await run.tell(order.recordDispatch, { orderId, dispatchedAt: 9, payment: other });
  t.is(body['reason'], 'conflicting_payment');
  await settled(run);
  t.is(
    (await run.tell(order.recordDispatch, { orderId, dispatchedAt: 9, payment: other })).body['reason'],
    'conflicting_payment',
  );
  t.is(run.state?.status, 'paid');
});

test('tried anew, the order has the payment that was created last, and at last the one that was settled', async (t) => {
  const run = runEntity(orderEntity);
  const second = payment.paymentIdOf(orderId, 2);
  await place(run);
  await created(run);
  await run.hear(payment.created, { paymentId: second });
  t.like(shown(run.state!), { paymentId: second, payment: { status: 'created' } });
  await created(run);
  await run.hear(payment.settled, { paymentId: second, capturedAt: 5 });
  t.like(shown(run.state!), { status: 'paid', paymentId: second });
  await created(run);
  const told = { paymentId: second, capturedAt: 5 };
  await run.tell(order.recordDispatch, { orderId, dispatchedAt: 9, payment: told });
  t.like(shown(run.state!), { status: 'completed', paymentId: second, payment: { status: 'settled' } });
});

test('a payment that only the order heard of was voided when the order fails', async (t) => {
  const run = runEntity(orderEntity);
  await place(run);
  await created(run);
  await fail(run);
  t.like(shown(run.state!), { status: 'failed', payment: { id: paymentId, status: 'voided' } });
});

test('refusals and answers that came too late for the saga are nothing to the order', async (t) => {
  const run = runEntity(orderEntity);
  await run.hear(payment.createRefused, { paymentId, reason: 'no' });
  t.is(run.state?.status, 'unplaced');
  await place(run);
  const before = run.state;
  await run.hear(payment.createRefused, { paymentId, reason: 'no' });
  await run.hear(payment.settleRefused, { paymentId, reason: 'no' });
  t.deepEqual(run.state, before);
  t.truthy(orderEntity.tooLate);
});

const deeds = { place, created, settled, complete, fail } as const;

test('whatever comes in whatever order: a completed order has its payment, an ended one never changes', async (t) => {
  const names = Object.keys(deeds) as (keyof typeof deeds)[];
  await fc.assert(
    fc.asyncProperty(fc.array(fc.constantFrom(...names), { minLength: 3, maxLength: 12 }), async (sequence) => {
      const run = runEntity(orderEntity);
      let ended: OrderState | undefined;
      for (const name of sequence) {
        await deeds[name](run);
        if (ended) t.deepEqual(run.state, ended);
        if (['completed', 'failed', 'cancelled'].includes(run.state?.status ?? '')) ended = run.state;
        if (run.state?.status === 'completed') t.like(run.state.payment, { id: paymentId, status: 'settled' });
        if (run.state?.status === 'failed') t.not(run.state.payment?.status, 'created');
      }
    }),
    { numRuns: 500 },
  );
});
