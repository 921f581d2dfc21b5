import test from 'ava';
import { exchange } from './raw-http.ts';
import { anOrder, keys, startWorld, type CallOptions, type World } from './world.ts';
import { problemTypes } from '#shared/web/problem-types.ts';
import { signToken } from '#shared/web/tokens.ts';

async function inWorld(
  run: (world: World) => Promise<void>,
  options?: Parameters<typeof startWorld>[0],
): Promise<void> {
  const world = await startWorld(options);
  try {
    await run(world);
  } finally {
    await world.stop();
  }
}

const item = { sku: 's', quantity: 1, unitPrice: { amount: 1, currency: 'EUR' } };
const priced = (unitPrice: object) => anOrder({ items: [{ ...item, unitPrice }] });
const counted = (quantity: unknown) => anOrder({ items: [{ ...item, quantity }] });
const max = 1_000_000_000_000;

const invalidOrders: readonly (readonly [string, unknown, string])[] = [
  ['no object', [], ''],
  ['null', null, ''],
  ['an unknown field', anOrder({ coupon: 'x' }), '/coupon'],
  ['an unknown field with slashes', anOrder({ 'a/b~c': 1 }), '/a~1b~0c'],
  ['a prototype', JSON.parse(JSON.stringify(anOrder()).replace('{', '{"__proto__":{},')), '/__proto__'],
  ['a total of its own', anOrder({ total: { amount: 1, currency: 'EUR' } }), '/total'],
  ['no customer', anOrder({ customerId: undefined }), '/customerId'],
  ['an empty customer', anOrder({ customerId: '' }), '/customerId'],
  ['a blank customer', anOrder({ customerId: '  ' }), '/customerId'],
  ['a customer with a line break', anOrder({ customerId: 'alice\r\nBcc: x' }), '/customerId'],
  ['a customer with a NUL', anOrder({ customerId: 'alice\0' }), '/customerId'],
  ['an unpaired surrogate', anOrder({ customerId: '\ud800' }), '/customerId'],
  ['a customer that is a number', anOrder({ customerId: 7 }), '/customerId'],
  ['a customer that is a query', anOrder({ customerId: { $ne: '' } }), '/customerId'],
  ['a long customer', anOrder({ customerId: 'x'.repeat(201) }), '/customerId'],
  ['no address', anOrder({ email: 'alice' }), '/email'],
  ['an address with a header', anOrder({ email: 'a@example.com\nBcc: b@example.com' }), '/email'],
  ['two addresses', anOrder({ email: 'a@example.com,b@example.com' }), '/email'],
  ['no items', anOrder({ items: [] }), '/items'],
  ['items that are none', anOrder({ items: 'x' }), '/items'],
  ['101 items', anOrder({ items: Array.from({ length: 101 }, () => item) }), '/items'],
  ['10,000 items', anOrder({ items: Array.from({ length: 10_000 }, () => item) }), '/items'],
  ['a quantity of zero', counted(0), '/items/0/quantity'],
  ['a negative quantity', counted(-1), '/items/0/quantity'],
  ['half a piece', counted(0.5), '/items/0/quantity'],
  ['a quantity in words', counted('1'), '/items/0/quantity'],
  ['a negative price', priced({ amount: -1, currency: 'EUR' }), '/items/0/unitPrice/amount'],
  ['a fractional price', priced({ amount: 12.99, currency: 'EUR' }), '/items/0/unitPrice/amount'],
  ['a price beyond the limit', priced({ amount: max + 1, currency: 'EUR' }), '/items/0/unitPrice/amount'],
  ['a price beyond 2^53', priced({ amount: 2 ** 60, currency: 'EUR' }), '/items/0/unitPrice/amount'],
  ['a currency that does not exist', priced({ amount: 1, currency: 'XXX' }), '/items/0/unitPrice/currency'],
  ['a currency in lower case', priced({ amount: 1, currency: 'eur' }), '/items/0/unitPrice/currency'],
  [
    'two currencies',
    anOrder({ items: [item, { ...item, unitPrice: { amount: 1, currency: 'USD' } }] }),
    '/items/1/unitPrice/currency',
  ],
  [
    'a line beyond the limit',
    anOrder({ items: [{ ...item, quantity: 2, unitPrice: { amount: max, currency: 'EUR' } }] }),
    '/items/0/unitPrice/amount',
  ],
  [
    'a total beyond the limit',
    anOrder({ items: [item, { ...item, unitPrice: { amount: max, currency: 'EUR' } }] }),
    '/items',
  ],
  ['a payment method that is no token', anOrder({ paymentMethod: 'gold' }), '/paymentMethod'],
  ['a card number as payment method', anOrder({ paymentMethod: '4111111111111111' }), '/paymentMethod'],
];

for (const [name, body, pointer] of invalidOrders) {
  test(`an order with ${name} is refused, naming ${pointer || 'the body'}, and leaves nothing behind`, (t) =>
    inWorld(async ({ order, requests, bus }) => {
      const reply = await order({ body });
      t.is(reply.status, 400);
      t.is(reply.headers.get('content-type'), 'application/problem+json');
      t.like(reply.body, { type: '/problems/validation', status: 400, instance: '/v1/orders' });
      const errors = reply.body['errors'] as { pointer: string; detail: string }[];
      t.true(
        errors.some((error) => error.pointer === pointer),
        reply.text,
      );
      t.true(errors.every(({ detail }) => detail !== ''));
      t.notRegex(reply.text, /4111/);
      t.deepEqual([requests.all(), bus.published], [[], []]);
    }));
}

const unreadable: readonly (readonly [string, CallOptions, string])[] = [
  ['broken JSON', { raw: '{"customerId":' }, 'malformed-json'],
  ['an empty body', { raw: '' }, 'malformed-json'],
  ['two documents', { raw: '{}{}' }, 'malformed-json'],
  ['bytes that are not UTF-8', { raw: Uint8Array.of(0x22, 0xff, 0xfe, 0x22) }, 'malformed-json'],
  ['a deep nest', { raw: '['.repeat(200_000) }, 'malformed-json'],
  [
    'a form',
    { raw: 'a=1', headers: { 'content-type': 'application/x-www-form-urlencoded' } },
    'unsupported-media-type',
  ],
  ['another charset', { headers: { 'content-type': 'application/json; charset=utf-16' } }, 'unsupported-media-type'],
  ['compressed JSON', { headers: { 'content-encoding': 'gzip' } }, 'unsupported-media-type'],
  ['2 MB', { raw: `"${'x'.repeat(2_000_000)}"` }, 'payload-too-large'],
  ['a key that is too long', { headers: { 'idempotency-key': 'k'.repeat(256) } }, 'validation'],
];

for (const [name, options, slug] of unreadable) {
  test(`an order sent as ${name} is a ${slug} problem, and leaves nothing behind`, (t) =>
    inWorld(async ({ order, requests, bus }) => {
      const reply = await order(options);
      t.is(reply.body['type'], `/problems/${slug}`);
      t.is(reply.status, problemTypes[slug as keyof typeof problemTypes].status);
      t.deepEqual([requests.all(), bus.published], [[], []]);
    }));
}

for (const path of [
  '/v1/orders/%',
  '/v1/orders/%ff%fe',
  '/v1/orders/%c0%80',
  '/v1/wallets/%e0%a4%a',
  '/v1/orders/%00',
  '/v1/orders/%F0%9F%92%A9',
  `/v1/orders/${'x'.repeat(5000)}`,
  '/v1/orders/..%2f..%2fetc',
  '/v1/orders/$ne',
  '//',
  '/*',
  '/v1/orders/%0d%0aX: y',
]) {
  test(`GET ${JSON.stringify(path.slice(0, 40))} is 404 as a problem`, (t) =>
    inWorld(async ({ port }) => {
      const token = await signToken({ subject: 'alice', role: 'customer', expiresInS: 60 }, keys);
      const head = Buffer.from(
        `GET ${path.replaceAll(' ', '%20')} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\n\r\n`,
        'latin1',
      );
      const received = await exchange(port, [head]);
      t.regex(received, /^HTTP\/1\.1 404 /);
      t.regex(received, /application\/problem\+json/);
    }));
}

test('a name that can not be a customer’s gets no wallet', (t) =>
  inWorld(async ({ call, requests }) => {
    for (const name of ['%00', '%0d%0a', '%20', 'x'.repeat(201), '%E2%80%AE']) {
      const reply = await call('POST', `/v1/wallets/${name}/top-ups`, {
        as: 'root',
        role: 'operator',
        body: { amount: 1, currency: 'EUR' },
      });
      t.is(reply.status, 400, name);
      t.like((reply.body['errors'] as object[])[0], { pointer: '/customerId', in: 'path' });
    }
    t.deepEqual(requests.all(), []);
  }));
