/** What is left of a card on its way: at the door a receipt, at the provider one token, in the order that token alone. */
import test from 'ava';
import { checkoutTown } from './checkout-town.ts';
import { checkoutBody, goodCard, sealedPlainly } from '#test/support/checkouts.ts';
import type { Card } from '#services/card-sealing.ts';
import { placingCheckout } from '#services/checkout/placing.ts';
import type { CheckoutBody } from '#services/checkout/shapes.ts';
import type { TokenCall } from '#services/verification/tokenizer.ts';
import type { Door } from '#shared/web/door.ts';
import { createVirtualClock } from '#test/support/virtual-clock.ts';

const CARD: Card = { number: '4242-4242 42424242', expirationDate: '12/40', cvv: '9173' };
const READABLE = /4242[- ]?4242|9173/;

test('what the door keeps of a request tells the last four digits and the expiry date, no code, and forgets the sealed card once it is sent', async (t) => {
  const clock = createVirtualClock();
  const priced = { items: [], total: { amount: 1, currency: 'EUR' }, delayMs: 0, isHalfOpen: false };
  const door = { clock, outcomeMs: 2000, lookUp: async () => priced } as unknown as Door;
  const call = {
    body: checkoutBody({ creditCard: CARD }) as CheckoutBody,
    caller: { role: 'customer', subject: 'alice' },
    trace: { traceparent: `00-${'1'.repeat(32)}-${'2'.repeat(16)}-01` },
  } as unknown as Parameters<typeof placingCheckout>[0];
  const submission = placingCheckout(call, door, { find: async () => undefined, seal: sealedPlainly });
  const same = JSON.stringify(submission.same);
  t.notRegex(same, READABLE);
  t.like(submission.same, { card: { ends: '4242', expires: '12/40' } });
  const { forgetsBody, ...composed } = await submission.compose();
  t.true(forgetsBody);
  t.notRegex(JSON.stringify(composed), READABLE);
});

test('an approved order is paid with the token of the provider, and no document has the card', async (t) => {
  const town = await checkoutTown({ ports: { tokenizer: { tokenOf: async () => 'pm_of_the_card' } } });
  const { body } = await town.checkOut(checkoutBody({ creditCard: CARD }));
  t.is(body.status, 'approved');
  await town.atRest(body.checkoutId);
  const stored = JSON.stringify([...town.homes.values()].map(({ store }) => [...store.documents.values()]));
  t.true(stored.includes('"paymentMethod":"pm_of_the_card"'));
  t.notRegex(stored, READABLE);
});

test('a card whose exchange failed is exchanged again under the same key', async (t) => {
  const keys: string[] = [];
  const tokenOf = async (_card: Card, { idempotencyKey }: TokenCall): Promise<string> => {
    keys.push(idempotencyKey);
    if (keys.length < 3) throw new Error('the provider is away');
    return 'pm_ok';
  };
  const town = await checkoutTown({ ports: { tokenizer: { tokenOf } } });
  const { body } = await town.checkOut(checkoutBody({ creditCard: goodCard }));
  await town.atRest(body.checkoutId);
  t.true(keys.length >= 3);
  t.is(new Set(keys).size, 1, keys.join());
});
