/** OP-7/8 on the real stack: what the warehouse answers, and what becomes of the order. */
import test from 'ava';
import { createShop, type Shop } from '#test/support/place.ts';
import { startStack, type TestStack } from '#test/support/stack.ts';

interface Calls {
  readonly items: readonly { readonly key: string; readonly calls: readonly { readonly status?: number }[] }[];
}

let stack: TestStack;
let shop: Shop;

test.before(async () => {
  stack = await startStack();
  shop = createShop(stack);
  await shop.topUp('dora', 100_000);
});
test.after.always(async () => stack?.stop());

/** Places an order that takes a second to be paid, so that the warehouse knows what to answer by then. */
async function orderWith(script: readonly (number | 'silent')[]): Promise<string> {
  const orderId = await shop.place({ customerId: 'dora', paymentMethod: 'pm_slow' });
  const { status } = await fetch(`${stack.warehouseUrl}/script/${orderId}`, {
    method: 'PUT',
    body: JSON.stringify(script),
  });
  if (status !== 200) throw new Error(`the warehouse answered ${status} to the script`);
  return orderId;
}

async function answersTo(orderId: string, way: 'do' | 'undo'): Promise<readonly (number | undefined)[]> {
  const key = `${orderId}:arrange-delivery:${way}`;
  const calls = (await (await fetch(`${stack.warehouseUrl}/calls?key=${key}`)).json()) as Calls;
  return calls.items[0]!.calls.map(({ status }) => status);
}

test('503, 503, 200: three calls under one key, and the order completes', async (t) => {
  const orderId = await orderWith([503, 503, 200]);
  const { order, timeline } = await shop.ended(orderId);
  t.is(order.status, 'completed');
  t.deepEqual(await answersTo(orderId, 'do'), [503, 503, 201]);
  t.like(await shop.deliveries(orderId), [{ status: 'dispatched', orderId, items: [{ sku: 'book', quantity: 1 }] }]);
  const [paid, arranged, told] = ['settle-payment', 'arrange-delivery', 'notify-customer'].map((name) =>
    timeline.steps.find((step) => step.name === name),
  );
  t.like(arranged, { state: 'done', attempts: 1 });
  t.true(paid!.answeredAt! <= arranged!.sentAt! && arranged!.answeredAt! <= told!.sentAt!);
});

test('a warehouse in trouble for longer than one run: the run is repeated, all tries under one key', async (t) => {
  const orderId = await orderWith([...Array.from({ length: 7 }, () => 503), 'silent', 200]);
  const { order } = await shop.ended(orderId);
  t.is(order.status, 'completed');
  t.deepEqual(await answersTo(orderId, 'do'), [503, 503, 503, 503, 503, 503, 503, undefined, 201]);
  t.is((await shop.mails(orderId)).length, 1);
});

test('400: one call, the order fails for that reason, and the money is back', async (t) => {
  await shop.topUp('nora', 5000);
  const { order, timeline } = await shop.run({ customerId: 'nora', sku: 'no-delivery' });
  t.like(order, { status: 'failed', failure: { reason: 'not_deliverable', step: 'arrange-delivery' } });
  t.deepEqual(await answersTo(order.id, 'do'), [400]);
  t.like(await shop.wallet('nora'), { available: { amount: 5000 }, held: { amount: 0 } });
  t.like(await shop.payments(order.id), [{ status: 'refunded' }]);
  t.like(await shop.deliveries(order.id), [{ status: 'refused', reason: 'not_deliverable' }]);
  t.deepEqual(
    timeline.compensations.map(({ step }) => step),
    [
      'commit-stock/1',
      'settle-payment',
      'capture-funds',
      'hold-funds',
      'create-payment',
      'reserve-stock/1',
      'initialise-order',
    ],
  );
  const [mail, ...others] = await shop.mails(order.id);
  t.deepEqual(others, []);
  t.true(mail!.text?.includes('cannot be delivered'));
});

test.serial('an order that is undone after its delivery was arranged has it cancelled', async (t) => {
  await shop.fault('notify', { refuseAt: ['notify.send'] });
  t.teardown(() => shop.fault('notify', {}));
  await shop.topUp('vera', 5000);
  const orderId = await shop.place({ customerId: 'vera' });
  await shop.timelineWhen(orderId, 'turns back', ({ state }) => state !== 'running');
  await shop.fault('notify', {});
  const { order } = await shop.ended(orderId);
  t.is(order.status, 'failed');
  t.deepEqual(await answersTo(orderId, 'undo'), [200]);
  t.like(await shop.deliveries(orderId), [{ status: 'cancelled' }]);
  t.like(await shop.wallet('vera'), { available: { amount: 5000 }, held: { amount: 0 } });
});
