/** An order over nothing, to an address in another script: nobody has to have a wallet, and nothing moves. */
import test from 'ava';
import { auditOver } from '#local/commands/audit.ts';
import { goodAt } from '#test/support/goods.ts';
import { createShop, type Shop } from '#test/support/place.ts';
import { SHORT_TIMES, startStack, type TestStack } from '#test/support/stack.ts';

let stack: TestStack;
let shop: Shop;

test.before(async () => {
  const free = ['flyer', 'no-delivery'].map((sku) => goodAt(0, 'USD', sku));
  stack = await startStack({ env: SHORT_TIMES, goods: free });
  shop = createShop(stack);
});
test.after.always(async () => stack?.stop());

async function place(sku: string, email: string): Promise<string> {
  const free = { amount: 0, currency: 'USD', quantity: 2, paymentMethod: 'pm_declined' };
  return shop.place({ ...free, customerId: 'guest', sku, email });
}

test('an order over nothing completes without a wallet, asks no provider, and its mail reaches an address in another script', async (t) => {
  const { order, timeline } = await shop.ended(await place('flyer', 'josé@bücher.example'));
  t.is(order.status, 'completed');
  t.is(timeline.milestones.length, 13);
  t.like((await shop.payments(order.id))[0], { amount: { amount: 0, currency: 'USD' }, status: 'settled' });
  t.deepEqual(
    (await shop.entries('guest'))
      .filter(({ orderId }) => orderId === order.id)
      .map(({ kind, amount, currency }) => [kind, amount, currency]),
    [
      ['hold', 0, 'USD'],
      ['capture', 0, 'USD'],
    ],
  );
  t.is((await stack.api.get('/v1/wallets/guest')).status, 404, 'it opened no wallet');
  const [mail] = await shop.mails(order.id);
  // The inbox reads headers as Latin-1.
  t.is(Buffer.from(mail!.to[0]!.address, 'latin1').toString(), 'josé@bücher.example');
  t.regex(mail!.text ?? '', /There was nothing to pay[\s\S]*2 x flyer +0\.00 USD/);
});

test('one that cannot be delivered is undone, and the books are in order', async (t) => {
  const { order } = await shop.ended(await place('no-delivery', 'guest@example.org'));
  t.is(order.status, 'failed');
  t.like((await shop.payments(order.id))[0], { status: 'refunded' });
  const [mail] = await shop.mails(order.id);
  t.regex(mail!.text ?? '', /cannot deliver what you ordered/);
  const { items, checked } = await auditOver(stack.api, { graceMs: 300 });
  t.deepEqual(items, []);
  t.true((checked['orders'] ?? 0) >= 1 && (checked['entries'] ?? 0) >= 1);
});
