/** CK-3 to CK-9 at the door of a town in memory: every rule alone, several at once, and what is left of a rejected checkout. */
import test from 'ava';
import { type CheckoutTown, checkoutTown } from './checkout-town.ts';
import { checkoutBody, goodCard } from '#test/support/checkouts.ts';
import { queuedBehind } from '#test/support/order-queue.ts';
import type { Letter } from '#services/checkout-flow.ts';

const filled = checkoutBody();
const card = (changes: object) => ({ creditCard: { ...goodCard, ...changes } });
const user = (changes: object) => ({ user: { ...filled.user, ...changes } });
const address = (changes: object) => ({ billingAddress: { ...filled.billingAddress, ...changes } });

/** The event, the code, the field, and what was filled in. */
const alone: readonly (readonly [event: Letter, code: string, pointer: string, changes: object])[] = [
  ['A', 'items_empty', '/items', { items: [] }],
  ['B', 'name_missing', '/user/name', user({ name: '  ' })],
  ['B', 'contact_missing', '/user/contact', user({ contact: '' })],
  ['B', 'contact_invalid', '/user/contact', user({ contact: 'alice at home' })],
  ['B', 'street_missing', '/billingAddress/street', address({ street: '' })],
  ['B', 'city_missing', '/billingAddress/city', address({ city: '' })],
  ['B', 'state_missing', '/billingAddress/state', address({ state: '' })],
  ['B', 'zip_missing', '/billingAddress/zip', address({ zip: '' })],
  ['B', 'country_missing', '/billingAddress/country', address({ country: '' })],
  ['B', 'terms_not_accepted', '/termsAccepted', { termsAccepted: false }],
  ['D', 'contact_disposable', '/user/contact', user({ contact: 'alice@Mailinator.com' })],
  ['D', 'name_listed', '/user/name', user({ name: ' Mallory  MALICIOUS' })],
  ['C', 'card_number_digits', '/creditCard/number', card({ number: '4242 4242 4242' })],
  ['C', 'card_number_digits', '/creditCard/number', card({ number: '4242  42424242424242' })],
  ['C', 'card_number_check_digit', '/creditCard/number', card({ number: '4242-4242-4242-4241' })],
  ['C', 'card_expiry_format', '/creditCard/expirationDate', card({ expirationDate: '13/40' })],
  ['C', 'card_expired', '/creditCard/expirationDate', card({ expirationDate: '11/25' })],
  ['C', 'card_cvv_format', '/creditCard/cvv', card({ cvv: '12' })],
  ['E', 'card_listed', '/creditCard/number', card({ number: '4000 0000 0000 9979' })],
  ['E', 'card_one_digit', '/creditCard/number', card({ number: '0000 0000 0000 0000' })],
];

let town: CheckoutTown;
test.before(async () => {
  town = await checkoutTown();
});

const order: readonly Letter[] = ['A', 'B', 'D', 'C', 'E', 'F'];

for (const [event, code, pointer, changes] of alone)
  test.serial(`${event} ${code} ${JSON.stringify(changes)}: rejected there, and nothing is left of it`, async (t) => {
    const { status, body } = await town.checkOut(checkoutBody(changes));
    t.is(status, 201, JSON.stringify(body));
    t.like(body, { status: 'rejected', suggestions: [], reason: { event, code, pointer, also: [] } });
    t.false('orderId' in body);
    t.notRegex(JSON.stringify(body.reason), /\d{4} ?\d{4} ?\d{4} ?\d{4}/, 'no number of a card');
    const events = await town.eventsOf(body.checkoutId);
    t.deepEqual(
      events.map((one) => one.event),
      order.slice(0, order.indexOf(event) + 1),
    );
    t.is(events.at(-1)!.outcome, 'rejected');
    await town.atRest(body.checkoutId);
    t.deepEqual(town.leftOf(body.checkoutId), []);
  });

const several: readonly (readonly [title: string, event: Letter, codes: readonly string[], changes: object])[] = [
  [
    'two fields of the user',
    'B',
    ['name_missing', 'terms_not_accepted'],
    { ...user({ name: '' }), termsAccepted: false },
  ],
  [
    'everything of the card',
    'C',
    ['card_number_digits', 'card_expiry_format', 'card_cvv_format'],
    card({ number: '', expirationDate: '', cvv: '' }),
  ],
  [
    'a name of digits and very many pieces',
    'D',
    ['many_pieces', 'name_without_letters'],
    { ...user({ name: '007' }), items: [{ sku: 'eur-1', quantity: 1001 }] },
  ],
  [
    'a name of digits and a very large total',
    'D',
    ['name_without_letters', 'large_total'],
    { ...user({ name: '007' }), items: [{ sku: 'eur-50000', quantity: 21 }] },
  ],
  [
    'a card of this very month, a code of zeros and a large total',
    'E',
    ['cvv_one_digit', 'large_for_a_card', 'expires_this_month'],
    { ...card({ cvv: '0000', expirationDate: '01/26' }), items: [{ sku: 'book', quantity: 600 }] },
  ],
  [
    'a code of zeros and a large total',
    'E',
    ['cvv_one_digit', 'large_for_a_card'],
    { ...card({ cvv: '000' }), items: [{ sku: 'book', quantity: 600 }] },
  ],
  [
    'the basket before everything else',
    'A',
    ['items_empty'],
    { items: [], ...user({ name: '' }), ...card({ cvv: '' }) },
  ],
];

for (const [title, event, codes, changes] of several)
  test.serial(`${title}: all of ${codes.join(', ')} are told`, async (t) => {
    const { body } = await town.checkOut(checkoutBody(changes));
    t.is(body.reason?.event, event, JSON.stringify(body));
    t.deepEqual([body.reason!.code, ...body.reason!.also.map(({ code }) => code)].toSorted(), [...codes].toSorted());
  });

const passing: readonly (readonly [title: string, changes: object])[] = [
  ['13 digits', card({ number: '4222222222222' })],
  ['19 digits in groups with dashes', card({ number: '6304-0000-0000-0000-000' })],
  ['a card of this very month', card({ expirationDate: '01/26' })],
  ['a code of four digits', card({ cvv: '1234' })],
  ['one light rule alone', card({ cvv: '000' })],
];
for (const [title, changes] of passing)
  test.serial(`${title}: approved, with suggestions that are not in the basket, and queued once`, async (t) => {
    const { status, body } = await town.checkOut(checkoutBody(changes));
    t.is(status, 201);
    t.is(body.status, 'approved', JSON.stringify(body));
    t.is(body.orderId, body.checkoutId);
    t.true(body.suggestions.length > 0);
    t.false(body.suggestions.some(({ sku }) => sku === 'book'));
    await town.atRest(body.checkoutId);
    t.deepEqual(town.leftOf(body.checkoutId), ['queued']);
  });

test.serial(
  'of none of them was an order placed, money held, stock taken or a mail sent; only those that were approved stand in the queue',
  async (t) => {
    await town.clock.advance(10_000);
    for (const service of ['order', 'saga', 'payment', 'wallet', 'delivery', 'notify'])
      t.is(town.homes.get(service)!.store.documents.size, 0, `${service} has heard of nothing`);
    t.is(town.outside.mails.length + town.outside.captured.size, 0);
    const checkouts = [...town.homes.get('checkout')!.store.documents.keys()];
    const stock = JSON.stringify([...town.homes.get('stock')!.store.documents.values()]);
    t.deepEqual(
      checkouts.filter((id) => stock.includes(id)),
      [],
    );
    const queued = queuedBehind(town.homes.get('executor')!.store, 0).map(({ orderId }) => orderId);
    const approved = checkouts.filter((id) => {
      const state = town.stateOf(id)!;
      return 'saga' in state && state.decision?.status === 'approved';
    });
    t.is(checkouts.length, alone.length + several.length + passing.length);
    t.deepEqual(queued.toSorted(), approved.toSorted());
    t.is(approved.length, passing.length);
  },
);

test('what is in the basket is not suggested, also where the catalogue names it first', async (t) => {
  const alike = async () => ['book', 'eur-60'].map((sku) => ({ sku, name: sku }));
  const { checkOut } = await checkoutTown({ ports: { alike } });
  t.like((await checkOut(checkoutBody())).body, { status: 'approved', suggestions: [{ sku: 'eur-60' }] });
});

test.serial('every rule is listed with its event, weight and words', async (t) => {
  const { body } = await town.door.answered<{
    items: readonly { event: string; code: string; weight: number; words: string }[];
  }>('GET', '/v1/checkout-rules', { as: 'alice' });
  const codes = new Set(body.items.map(({ code }) => code));
  for (const [, code] of alone) t.true(codes.has(code), code);
  t.deepEqual([...new Set(body.items.map(({ event }) => event))], ['A', 'B', 'C', 'D', 'E']);
  t.true(body.items.every(({ weight, words }) => weight > 0 && words.length > 0));
});
