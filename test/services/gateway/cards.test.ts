import test from 'ava';
import fc from 'fast-check';
import { anOrder, startWorld, type CallOptions, type World } from './world.ts';
import { goodAt } from '#test/support/goods.ts';
import type { Log } from '#shared/log.ts';
import { p95, shownTimes, stopwatch } from '#test/support/held-up.ts';

const item = { sku: 's', quantity: 1, unitPrice: { amount: 1, currency: 'EUR' } };
const CARDS = [
  '4111111111111111',
  '4111 1111 1111 1111',
  '4111-1111-1111-1111',
  '4111.1111.1111.1111',
  'Visa 4111111111111111 12/27 123',
  'pm_4111111111111111',
  '４１１１１１１１１１１１１１１１',
  '378282246310005',
  '5555 5555 5555 4444',
  '2223003122003222',
  '6011000990139424',
  '6304000000000000000',
  '4222222222222',
] as const;

/** A log at debug whose lines can be searched. */
function recordingLog() {
  const lines: string[] = [];
  const write = (text: string, fields?: object): void => void lines.push(JSON.stringify([text, fields]));
  const log: Log = { debug: write, info: write, warn: write, error: write, with: () => log };
  return { log, lines };
}

async function inWorld(
  run: (world: World, lines: readonly string[]) => Promise<void>,
  skus: readonly string[] = [],
): Promise<void> {
  const { log, lines } = recordingLog();
  const goods = skus.map((sku) => goodAt(1, 'EUR', sku));
  const world = await startWorld({ log, settings: { outcomeMs: 1 }, ...(goods.length > 0 && { goods }) });
  try {
    await run(world, lines);
  } finally {
    await world.stop();
  }
}

const groups = (card: string): readonly string[] => card.normalize('NFKC').match(/\d[\d .-]{11,}\d/g) ?? [];

for (const card of CARDS) {
  const inOrder: readonly (readonly [string, object, string])[] = [
    ['the payment method', { paymentMethod: card }, '/paymentMethod'],
    ['an item', { items: [item, { ...item, sku: card }] }, '/items/1/sku'],
    ['the customer', { customerId: card }, '/customerId'],
    ['the address', { email: `${card.replaceAll(' ', '.')}@example.com` }, '/email'],
    ['an unknown field', { card }, '/card'],
    ['a deep unknown field', { a: { b: [{ c: card }] } }, '/a/b/0/c'],
    ['the name of a field', { [card]: 1 }, '/***'],
  ];
  test(`the card number ${card} is refused in every place of a request, and neither repeated, kept nor logged`, (t) =>
    inWorld(async ({ order, call, requests, bus }, lines) => {
      const replies: [string, string, Awaited<ReturnType<World['call']>>][] = [];
      for (const [place, changes, pointer] of inOrder)
        replies.push([place, pointer, await order({ body: anOrder(changes), role: 'operator' })]);
      const send = async (place: string, pointer: string, path: string, options: CallOptions = {}) =>
        replies.push([
          place,
          pointer,
          await call(options.body === undefined ? 'GET' : 'POST', path, { as: 'ops', role: 'operator', ...options }),
        ]);
      const encoded = encodeURIComponent(card);
      const body = { amount: 1, currency: 'EUR' };
      await send('a path', '/customerId', `/v1/wallets/${encoded}/top-ups`, { body });
      await send('a path that is read', '/orderId', `/v1/orders/${encoded}/timeline`);
      await send('a query', '/orderId', `/v1/payments?orderId=${encoded}`);
      await send('the name in a query', '/***', `/v1/payments?${encoded}=1`);
      if (/^[ -~]*$/.test(card))
        await send('the key', '/Idempotency-Key', '/v1/orders', {
          body: anOrder(),
          headers: { 'idempotency-key': card },
        });
      for (const [place, pointer, reply] of replies) {
        t.is(reply.status, 400, `${place}: ${reply.text}`);
        t.is(reply.body['type'], '/problems/validation', place);
        const errors = reply.body['errors'] as { pointer: string; detail: string }[];
        t.true(
          errors.some((error) => error.pointer === pointer && error.detail.startsWith('looks like a card number')),
          `${place}: ${reply.text}`,
        );
      }
      t.is((await call('GET', `/v1/cards/${encoded}`, { as: 'alice' })).status, 404);
      t.is((await call('GET', `/v1/orders/${encoded}`)).status, 401);
      const told = [...replies.map(([, , { text }]) => text), ...lines].join('\n').normalize('NFKC');
      for (const digits of groups(card)) t.false(told.includes(digits), told.slice(0, 2000));
      t.true(lines.length > replies.length, 'the log is looked at');
      t.deepEqual([requests.all(), bus.published], [[], []]);
    }));
}

test('in the field that a checkout has for it a card number is taken, and nowhere logged; in its other fields it is refused', (t) =>
  inWorld(async (world, lines) => {
    const number = '4111 1111 1111 1111';
    const checkout = { customerId: 'alice', creditCard: { number, expirationDate: '12/40', cvv: '123' } };
    const taken = await world.call('POST', '/v1/checkouts', { as: 'operator', role: 'operator', body: checkout });
    t.false(taken.status >= 400, taken.text);
    for (const other of [{ userComment: number }, { user: { name: number } }, { billingAddress: { zip: number } }])
      t.is(
        (
          await world.call('POST', '/v1/checkouts', {
            as: 'operator',
            role: 'operator',
            body: { ...checkout, ...other },
          })
        ).status,
        400,
      );
    t.notRegex(lines.join(''), /4111/);
  }));

test('a card number as a JSON number is refused as well', (t) =>
  inWorld(async ({ order }) => {
    const reply = await order({ body: anOrder({ paymentMethod: 4111111111111111 }) });
    t.is(reply.status, 400);
    t.regex(reply.text, /looks like a card number/);
  }));

test('keys, ids and customers of digits that no card has are taken', (t) => {
  const now = Date.now();
  const keys = [
    `${now}`,
    `${now}-17`,
    `order-${now * 1000}`,
    `${BigInt(now) * 1_000_000n}`,
    '20261121161900-004',
    '01912345-4111-7111-8111-111111111111',
    '4111111111111112',
    '12345678901234567890123',
    'a3f94111111111111111be02cc01aa77',
    '0000000000000000',
  ];
  return inWorld(async ({ order }) => {
    for (const key of keys) {
      const body = anOrder({ customerId: `c-${key}`, items: [{ ...item, sku: key }] });
      const reply = await order({ role: 'operator', body, headers: { 'idempotency-key': key } });
      t.is(reply.status, 202, `${key}: ${reply.text}`);
    }
  }, keys);
});

test('a body made to be long to look through is refused in time', (t) =>
  inWorld(async ({ order }) => {
    const bodies = [
      `{"sku":"${'4 '.repeat(500_000)}"}`,
      `[${Array.from({ length: 9000 }, () => `"${'4 1 '.repeat(25)}"`).join()}]`,
      `${'['.repeat(500_000)}${']'.repeat(500_000)}`,
      `${'{"a":'.repeat(150_000)}1${'}'.repeat(150_000)}`,
    ];
    for (const raw of bodies) {
      const stop = stopwatch();
      t.is((await order({ raw })).status, 400);
      const took = [stop()];
      t.true(p95(took) < 1500, `${raw.slice(0, 20)}: ${shownTimes(took)}`);
    }
  }));

/** Digits that begin like a card's, with the check digit that makes them one. */
const card = fc
  .tuple(
    fc.constantFrom('4', '51', '55', '34', '37', '6011', '62', '3528'),
    fc.stringMatching(/^\d{14}$/),
    fc.integer({ min: 13, max: 19 }),
  )
  .map(([prefix, rest, length]) => {
    const digits = `${prefix}${rest}${rest}`.slice(0, length - 1);
    return `${digits}${'0123456789'.split('').find((last) => luhn(`${digits}${last}`))}`;
  });

function luhn(digits: string): boolean {
  const doubled = [...digits].reverse().map((digit, index) => Number(digit) * (1 + (index % 2)));
  return doubled.map((n) => (n > 9 ? n - 9 : n)).reduce((a, b) => a + b) % 10 === 0;
}

test('whatever the card, however grouped, wherever it stands in the text', (t) =>
  inWorld(async ({ order }) => {
    const separated = fc
      .tuple(card, fc.constantFrom('', ' ', '-', '- ', '.', '\u00a0'), fc.integer({ min: 1, max: 6 }))
      .map(([digits, separator, size]) => (digits.match(new RegExp(`\\d{1,${size}}`, 'g')) ?? []).join(separator));
    const around = fc.constantFrom('', 'x', ' ', ': ', 'no. ', '(', 'card ');
    await fc.assert(
      fc.asyncProperty(around, separated, around, async (before, number, after) => {
        const reply = await order({
          as: 'ops',
          role: 'operator',
          body: anOrder({ paymentMethod: `${before}${number}${after}` }),
        });
        t.is(reply.status, 400);
        if (!/looks like a card number/.test(reply.text)) throw new Error(reply.text);
      }),
      { numRuns: 300 },
    );
  }));
