import test from 'ava';
import { undecided } from '#services/checkout/undecided.ts';
import type { CheckoutView } from '#services/checkout/shapes.ts';

const asksNobody = () => Promise.reject(new Error('it is decided: nobody is to be asked'));
const door = { lookUp: asksNobody, submit: asksNobody };
const call = {
  caller: { subject: 'erin', role: 'customer' as const, isOperator: false },
  trace: { traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`, traceId: 'a'.repeat(32) },
};

test('a retry that finds the checkout decided, which the first request did not, is told so and that it is a retry', async (t) => {
  const pending: CheckoutView = { checkoutId: 'c1', status: 'pending', suggestions: [] };
  const checkout: CheckoutView = { checkoutId: 'c1', status: 'approved', orderId: 'c1', suggestions: [] };
  const checkouts = {
    find: () => Promise.resolve({ customerId: 'erin', checkout, events: [], waitsFor: [] }),
    seal: asksNobody,
  };
  const taken = { status: 202, headers: { Location: '/v1/checkouts/c1' }, body: pending };
  const first = await undecided(taken, call, door, checkouts);
  t.deepEqual(first, { status: 201, headers: { Location: '/v1/checkouts/c1' }, body: checkout });

  const replayed = { ...taken, headers: { ...taken.headers, 'Idempotency-Replayed': 'true' } };
  const again = await undecided(replayed, call, door, checkouts);
  t.deepEqual(again, { ...first, headers: { ...first.headers, 'Idempotency-Replayed': 'true' } });
});
