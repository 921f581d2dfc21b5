import test from 'ava';
import { createShop, type Shop, type Wanted } from '#test/support/place.ts';
import { SHORT_TIMES, startStack, type TestStack } from '#test/support/stack.ts';

let stack: TestStack;
let shop: Shop;

test.before(async () => {
  stack = await startStack({ env: SHORT_TIMES });
  shop = createShop(stack);
});
test.after.always(async () => stack?.stop());

const refusals: readonly (Wanted & { readonly reason: string; readonly step: string })[] = [
  { customerId: 'poor', amount: 1_000_001, reason: 'insufficient_funds', step: 'hold-funds' },
  { customerId: 'foreign', currency: 'USD', reason: 'currency_mismatch', step: 'hold-funds' },
  { customerId: 'declined', paymentMethod: 'pm_declined', reason: 'card_declined', step: 'authorize-payment' },
  { customerId: 'golden', paymentMethod: 'pm_gold', reason: 'unknown_payment_method', step: 'authorize-payment' },
  { customerId: 'silent', paymentMethod: 'pm_timeout', reason: 'timed_out', step: 'authorize-payment' },
];

for (const { reason, step, ...wanted } of refusals) {
  test(`${wanted.customerId}: the order fails at ${step} with ${reason}, and nothing is taken`, async (t) => {
    const { customerId } = wanted;
    await shop.topUp(customerId, 1_000_000);
    const before = await shop.wallet(customerId);
    const { order, timeline } = await shop.run(wanted);
    t.is(order.status, 'failed');
    t.deepEqual(order.failure, { reason, step });
    t.is(timeline.state, 'failed');
    const expected = reason === 'timed_out' ? 'undone' : 'refused';
    t.is(timeline.steps.find(({ name }) => name === step)?.state, expected);
    t.deepEqual(await shop.wallet(customerId), before);
    const movements = (await shop.entries(customerId)).map(({ kind }) => kind);
    t.deepEqual(movements, step === 'hold-funds' ? ['top-up'] : ['top-up', 'hold', 'release']);
    t.like(await shop.payments(order.id), [{ status: 'voided', reason }]);
    await onlyFailureMail(order.id, t.is, customerId);
  });
}

test('an unknown customer: the order is accepted and fails, and no wallet comes of it', async (t) => {
  const { order } = await shop.run({ customerId: 'nobody' });
  t.deepEqual(order.failure, { reason: 'unknown_customer', step: 'hold-funds' });
  t.is((await stack.api.get('/v1/wallets/nobody')).status, 404);
  t.like(await shop.payments(order.id), [{ status: 'voided', reason: 'unknown_customer' }]);
  await onlyFailureMail(order.id, t.is, 'nobody');
});

test('cancelled after the end: refused, and nothing changes', async (t) => {
  await shop.topUp('late', 5000);
  const { order } = await shop.run({ customerId: 'late' });
  const { status, body } = await shop.cancel(order.id);
  t.is(status, 409);
  t.like(body, { type: '/problems/invalid-transition' });
  t.deepEqual(await shop.order(order.id), order);
  t.is((await shop.cancel('no-such-order')).status, 404);
});

test('the same Idempotency-Key places one order', async (t) => {
  await shop.topUp('double', 5000);
  const send = () => shop.request({ customerId: 'double' }, { 'idempotency-key': 'twice' });
  const first = await send();
  const second = await send();
  t.is(second.body.id, first.body.id);
  t.is(second.headers.get('idempotency-replayed'), 'true');
  const other = await shop.request({ customerId: 'double', amount: 2 }, { 'idempotency-key': 'twice' });
  t.is(other.status, 422);
  await shop.ended(first.body.id);
  t.deepEqual(
    (await shop.entries('double')).map(({ kind }) => kind),
    ['top-up', 'hold', 'capture'],
  );
});

async function onlyFailureMail(orderId: string, is: (a: unknown, b: unknown) => unknown, customerId: string) {
  const mails = await shop.mails(orderId);
  is(mails.length, 1);
  is(mails[0]!.to[0]!.address, `${customerId}@example.org`);
  is(/confirmed/.test(mails[0]!.subject), false);
}
