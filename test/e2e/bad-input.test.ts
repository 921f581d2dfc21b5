import test from 'ava';
import type { LetterView } from '#services/dead-letters/letter-shape.ts';
import { openDocuments, type Documents } from '#test/support/documents.ts';
import { createShop, orderBody, type Shop } from '#test/support/place.ts';
import { startStack, type TestStack } from '#test/support/stack.ts';
import { tail, until } from '#test/support/until.ts';
import { connectWire, type Wire } from '#test/support/wire.ts';

let stack: TestStack;
let shop: Shop;
let wire: Wire;
let documents: Documents;

test.before(async () => {
  stack = await startStack({ env: { UNKNOWN_TYPE_MS: '2000' } });
  shop = createShop(stack);
  wire = connectWire(stack);
  documents = await openDocuments(stack);
});
test.after.always(async () => {
  await documents?.close();
  await wire?.close();
  await stack?.stop();
});

interface Bad {
  readonly body?: string | object;
  readonly type?: string;
  readonly status?: number;
  readonly slug?: string;
  /** The JSON pointer of the field that must be named. */
  readonly pointer?: string;
}

const good = orderBody({ customerId: 'bad' });
const item = good.items[0]!;
const priced = (amount: unknown, currency: unknown = 'EUR') => ({
  ...good,
  items: [{ ...item, unitPrice: { amount, currency } }],
});
const amountField = '/items/0/unitPrice/amount';

const bodies: Readonly<Record<string, Bad>> = {
  'malformed JSON': { body: '{"customerId": ', slug: 'malformed-json' },
  'no body': { body: '', slug: 'malformed-json' },
  'bytes that are no UTF-8': { body: Buffer.from([0x22, 0xff, 0x22]), slug: 'malformed-json' },
  'half a character': { body: JSON.stringify(good).replace('"bad"', '"\\ud800"'), pointer: '/customerId' },
  'an array': { body: [good], pointer: '' },
  null: { body: 'null', pointer: '' },
  'a number for a text': { body: { ...good, customerId: 7 }, pointer: '/customerId' },
  'a customer of control characters': { body: { ...good, customerId: 'a\r\nBcc: x' }, pointer: '/customerId' },
  'an unknown field': { body: { ...good, total: 1 }, pointer: '/total' },
  'a prototype as a field': { body: JSON.stringify(good).replace('{', '{"__proto__": {"a": 1},') },
  'no address': { body: { ...good, email: 'nobody' }, pointer: '/email' },
  'a header in the address': { body: { ...good, email: 'a@b.org\r\nBcc: c@d.org' }, pointer: '/email' },
  'a negative amount': { body: priced(-1), pointer: amountField },
  'a fraction': { body: priced(1.5), pointer: amountField },
  'an amount as text': { body: priced('100'), pointer: amountField },
  'an amount past the safe integers': { body: priced(2 ** 53), pointer: amountField },
  'an infinite amount': {
    body: JSON.stringify(priced(0)).replace('"amount":0', '"amount":1e999'),
    pointer: amountField,
  },
  'a total that overflows': {
    body: { ...good, items: [{ ...item, quantity: 1_000_000, unitPrice: { amount: 2 ** 52, currency: 'EUR' } }] },
  },
  'an unknown currency': { body: priced(1, 'XXX'), pointer: '/items/0/unitPrice/currency' },
  'two currencies': { body: { ...good, items: [item, { ...item, unitPrice: { amount: 1, currency: 'USD' } }] } },
  'no items': { body: { ...good, items: [] }, pointer: '/items' },
  '10,000 items': { body: { ...good, items: Array.from({ length: 10_000 }, () => item) }, pointer: '/items' },
  'no quantity': { body: { ...good, items: [{ ...item, quantity: 0 }] }, pointer: '/items/0/quantity' },
  'a payment method that is no token': { body: { ...good, paymentMethod: 'gold' }, pointer: '/paymentMethod' },
  'a payment method that is too long': {
    body: { ...good, paymentMethod: `pm_${'x'.repeat(98)}` },
    pointer: '/paymentMethod',
  },
  'a body of 2 MB': { body: { ...good, note: 'x'.repeat(2_000_000) }, status: 413, slug: 'payload-too-large' },
  'another content type': { body: good, type: 'text/plain', status: 415, slug: 'unsupported-media-type' },
};

async function send(
  method: string,
  path: string,
  { body, type = 'application/json' }: Bad,
  token = stack.operatorToken,
) {
  const answer = await fetch(new URL(path, stack.apiUrl), {
    method,
    headers: { ...(token === '' ? {} : { authorization: `Bearer ${token}` }), 'content-type': type },
    ...(body === undefined
      ? {}
      : { body: typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body) }),
    signal: AbortSignal.timeout(10_000),
  });
  const text = await answer.text();
  const problem = JSON.parse(text) as {
    type: string;
    status: number;
    title: string;
    traceId: string;
    instance: string;
    errors?: readonly { pointer: string; detail: string }[];
  };
  return { status: answer.status, contentType: answer.headers.get('content-type') ?? '', problem };
}

test('bad orders over HTTP: each a problem that names the field, nothing stored', async (t) => {
  for (const [what, bad] of Object.entries(bodies)) {
    const { status, contentType, problem } = await send('POST', '/v1/orders', bad);
    t.is(status, bad.status ?? 400, `${what}: ${JSON.stringify(problem)}`);
    t.regex(contentType, /^application\/problem\+json/, what);
    t.is(problem.type, `/problems/${bad.slug ?? 'validation'}`, what);
    t.true(problem.title !== '' && problem.traceId !== '' && problem.instance === '/v1/orders', what);
    if (bad.pointer === undefined) continue;
    const pointers = (problem.errors ?? []).map(({ pointer }) => pointer);
    t.true(pointers.includes(bad.pointer), `${what}: ${JSON.stringify(problem.errors)}`);
  }
  t.deepEqual(
    (await shop.all<{ customerId: string }>('/v1/orders')).filter(({ customerId }) => customerId === 'bad'),
    [],
  );
  t.is(await documents.db.collection('requests').countDocuments({ customerId: 'bad' }), 0);
});

test('bad top-ups, ids and pages: a problem each time, never a 500', async (t) => {
  for (const amount of [0, -5, 1.5, 2 ** 53, '7', null]) {
    const { status, problem } = await send('POST', '/v1/wallets/bad-top-up/top-ups', {
      body: { amount, currency: 'EUR' },
    });
    t.is(status, 400);
    t.true(
      problem.errors?.every(({ pointer }) => pointer === '/amount'),
      JSON.stringify(problem),
    );
  }
  t.is((await stack.api.get('/v1/wallets/bad-top-up')).status, 404);
  const ids = [
    '%00',
    '%ff%fe',
    '..%2f..%2fetc',
    '%F0%9F%9A%82',
    'x'.repeat(5000),
    '__proto__',
    '$where',
    '%7B%22$ne%22:1%7D',
    '%0d%0aX:1',
  ];
  const paths = ids.flatMap((id) => [
    `/v1/orders/${id}`,
    `/v1/orders/${id}/timeline`,
    `/v1/wallets/${id}`,
    `/v1/wallets/${id}/entries`,
    `/v1/payments?orderId=${id}`,
    `/v1/dead-letters/${id}`,
  ]);
  for (const path of [
    ...paths,
    '/v1/orders?cursor=broken',
    '/v1/orders?limit=0',
    '/v1/dead-letters?cursor=broken',
    '/v1/dead-letters?cause[$gt]=1',
    '/v1/orders?limit[$gt]=1',
    '/nowhere',
  ]) {
    const { status, problem } = await send('GET', path, {});
    t.true(status === 400 || status === 404, `${path.slice(0, 60)}: ${status}`);
    t.is(problem.status, status);
  }
  t.is((await send('DELETE', '/v1/orders', {})).status, 405);
});

test('no token, a foreign one, somebody else: refused, and nothing is told', async (t) => {
  await shop.topUp('private', 1000);
  const id = await shop.place({ customerId: 'private', amount: 1 });
  t.is((await send('GET', `/v1/orders/${id}`, {}, '')).status, 401);
  t.is((await send('GET', `/v1/orders/${id}`, {}, 'eyJhbGciOiJub25lIn0.eyJzdWIiOiJvcGVyYXRvciJ9.')).status, 401);
  const other = await stack.tokenOf('other');
  t.is((await send('GET', `/v1/orders/${id}`, {}, other)).status, 404);
  t.is((await send('POST', `/v1/orders/${id}/cancel`, { body: {} }, other)).status, 404);
  t.is((await send('GET', '/v1/wallets/private', {}, other)).status, 403);
  t.is((await send('POST', '/v1/orders', { body: orderBody({ customerId: 'private' }) }, other)).status, 403);
  t.is((await send('PUT', '/v1/faults/wallet', { body: {} }, other)).status, 403);
  const { order } = await shop.ended(id);
  t.is(order.status, 'completed');
});

test('broken messages on every queue end in the dead letters with the reason, the rest goes on', async (t) => {
  await shop.topUp('good', 10_000);
  const counts = await Promise.all(['orders', 'wallets', 'payments', 'sagas', 'notifications'].map(documents.count));
  const json = (body: unknown): Buffer => Buffer.from(JSON.stringify(body));
  const owners = {
    order: 'order.place',
    payment: 'payment.create',
    wallet: 'wallet.hold',
    notify: 'notify.send',
    saga: 'saga.cancel',
  };
  for (const [route, type] of Object.entries(owners)) {
    const whole = { type, messageId: 'broken', correlationId: 'broken', headers: { key: 'broken' } };
    await wire.raw(route, { ...whole, content: Buffer.from([0xff, 0xfe, 0x00]), messageId: 'broken-bytes' });
    await wire.raw(route, { ...whole, content: Buffer.from('{"half":'), messageId: 'broken-json' });
    await wire.raw(route, { ...whole, content: json({ orderId: 7 }), messageId: 'broken-body' });
    await wire.raw(route, { ...whole, content: json({}), type: 'no.such-message', messageId: 'broken-type' });
    await wire.raw(route, { content: json({}), headers: { key: 'broken' } });
  }
  const otherKey = {
    type: 'saga.cancel',
    messageId: 'broken-key',
    correlationId: 'broken',
    headers: { key: 'broken' },
  };
  await wire.raw('saga', { ...otherKey, content: json({ orderId: 'another' }) });
  const { order } = await shop.run({ customerId: 'good' });
  t.is(order.status, 'completed');
  for (const route of Object.keys(owners)) {
    const { items: dead } = await until(
      `the dead letters of ${route} are listed`,
      () => shop.read<{ items: readonly LetterView[] }>(`/v1/dead-letters?route=${route}&limit=100`),
      ({ items }) => items.length >= (route === 'saga' ? 6 : 5),
      { show: () => tail(stack.logs(), 'dead') },
    );
    for (const { route: where, reason, attempts, failures, state, messageId } of dead) {
      t.is(where, route);
      t.regex(reason, /\S{3}/, `${route} ${messageId}`);
      t.like({ failures, state }, { failures: 1, state: 'dead' });
      // A newer version of the service might have known the type.
      t.true(messageId === 'broken-type' ? attempts > 1 : attempts === 1, `${messageId}: ${attempts} attempts`);
    }
    const broken = dead.filter((letter) => letter.broken !== undefined);
    t.deepEqual(broken.map(({ messageId }) => messageId).toSorted(), ['broken-bytes', 'broken-json', undefined], route);
    const reasons = dead.map(({ reason }) => reason).join('\n');
    if (route === 'saga') t.regex(reasons, /header key is not the entity of the body/);
    for (const word of [/UTF-8/, /JSON/, /orderId|\//, /no handler for no\.such-message/, /message id is missing/])
      t.regex(reasons, word, route);
    t.is(dead.length, route === 'saga' ? 6 : 5, route);
  }
  await until('every service is still ready', () => stack.ready().then(() => true), Boolean, {
    show: () => tail(stack.logs()),
  });
  const now = await Promise.all(['orders', 'wallets', 'payments', 'sagas', 'notifications'].map(documents.count));
  t.true(now.every((count, index) => count >= counts[index]!));
  t.is(await documents.db.collection('orders').countDocuments({ _id: 'broken' as never, state: { $exists: true } }), 0);
});
