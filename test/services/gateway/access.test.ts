import test from 'ava';
import { z } from 'zod';
import { createMemoryActs } from '#test/services/console/acts-world.ts';
import { auditsOf } from '#test/services/console/audit-world.ts';
import { aBreaker, aSnapshot } from '#test/services/console/breaker-world.ts';
import { aLetter, createFakeLetters } from '#test/services/console/letters-world.ts';
import { placedOrder, startWorld, type CallOptions } from './world.ts';
import type { AskBreaker } from '#services/console/breakers.ts';
import type { Endpoint } from '#shared/web/endpoint.ts';
import { parseTokenKeys, signToken } from '#shared/web/tokens.ts';
import { keys } from './world.ts';
import { clockFrom, systemClock } from '#shared/clock.ts';

const wallet = { customerId: 'alice' };
const order = {
  customerId: 'alice',
  email: 'a@example.com',
  items: [{ sku: 's', quantity: 1, unitPrice: { amount: 1, currency: 'EUR' } }],
};
const product = { sku: 'tea', name: 'Tea', price: { amount: 1, currency: 'EUR' } };
const basket = { supermarketId: 'north', userId: 'alice', items: [] };
const faults = { apply: async () => {}, read: async () => ({}), close: async () => {} };

/** Every endpoint that needs a token; `foreign`: what another customer gets; `own`: what Alice gets. */
const endpoints = [
  { method: 'POST', path: '/v1/orders', body: order, own: 202, foreign: 403 },
  { method: 'POST', path: '/v1/checkouts', body: { customerId: 'alice' }, own: 201, foreign: 403 },
  { method: 'GET', path: '/v1/checkouts/c1', own: 200, foreign: 404 },
  { method: 'GET', path: '/v1/checkouts/c1/events', own: 200, foreign: 404 },
  { method: 'GET', path: '/v1/checkouts/c1/shiviz.log', own: 200, foreign: 404 },
  { method: 'GET', path: '/v1/orders', own: 200, foreign: 200 },
  { method: 'GET', path: '/v1/orders?customerId=alice', own: 200, foreign: 403 },
  { method: 'GET', path: '/v1/orders/o1', own: 200, foreign: 404 },
  { method: 'GET', path: '/v1/orders/o1/timeline', own: 200, foreign: 404 },
  { method: 'GET', path: '/v1/orders/o1/emails', own: 200, foreign: 404 },
  { method: 'POST', path: '/v1/orders/o1/cancel', own: 202, foreign: 404 },
  { method: 'GET', path: '/v1/payments?orderId=o1', own: 200, foreign: 404 },
  { method: 'GET', path: '/v1/deliveries?orderId=o1', own: 200, foreign: 404 },
  { method: 'GET', path: '/v1/wallets/alice', own: 200, foreign: 403 },
  { method: 'GET', path: '/v1/wallets/alice/entries', own: 200, foreign: 403 },
  {
    method: 'POST',
    path: '/v1/wallets/alice/top-ups',
    body: { amount: 1, currency: 'EUR' },
    own: 403,
    foreign: 403,
    operator: 202,
  },
  { method: 'GET', path: '/v1/wallets/alice/top-ups/none', own: 404, foreign: 403 },
  { method: 'GET', path: '/v1/products', own: 200, foreign: 200 },
  { method: 'GET', path: '/v1/products/tea', own: 200, foreign: 200 },
  { method: 'POST', path: '/v1/products', body: product, own: 403, foreign: 403, operator: 202 },
  {
    method: 'PUT',
    path: '/v1/products/tea',
    body: product,
    headers: { 'if-match': '*' },
    own: 403,
    foreign: 403,
    operator: 202,
  },
  { method: 'DELETE', path: '/v1/products/tea', headers: { 'if-match': '*' }, own: 403, foreign: 403, operator: 202 },
  { method: 'POST', path: '/v1/baskets/price', body: basket, own: 200, foreign: 403 },
  { method: 'GET', path: '/v1/baskets/north/alice', own: 200, foreign: 403 },
  { method: 'DELETE', path: '/v1/baskets/north/alice', own: 202, foreign: 403 },
  { method: 'PUT', path: '/v1/baskets/north/alice/items/tea', body: { quantity: 1 }, own: 202, foreign: 403 },
  { method: 'DELETE', path: '/v1/baskets/north/alice/items/tea', own: 202, foreign: 403 },
  {
    method: 'POST',
    path: '/v1/baskets/north/alice/checkout',
    body: { email: 'a@example.org' },
    own: 409,
    foreign: 403,
  },
  { method: 'GET', path: '/v1/supermarkets', own: 200, foreign: 200 },
  { method: 'GET', path: '/v1/stock', own: 200, foreign: 200 },
  { method: 'GET', path: '/v1/stock/tea', own: 200, foreign: 200 },
  { method: 'GET', path: '/v1/stock/tea/movements', own: 403, foreign: 403, operator: 200 },
  { method: 'GET', path: '/v1/stock/tea/reservations', own: 403, foreign: 403, operator: 200 },
  {
    method: 'POST',
    path: '/v1/stock/tea/adjustments',
    body: { delta: 1, reason: 'r' },
    own: 403,
    foreign: 403,
    operator: 202,
  },
  { method: 'GET', path: '/v1/stock/tea/adjustments/none', own: 403, foreign: 403, operator: 404 },
  {
    method: 'PUT',
    path: '/v1/stock/tea',
    body: { onHand: 1 },
    headers: { 'if-match': '*' },
    own: 403,
    foreign: 403,
    operator: 202,
  },
  { method: 'PUT', path: '/v1/faults/wallet', body: {}, own: 403, foreign: 403, operator: 200 },
  { method: 'GET', path: '/v1/faults/wallet', own: 403, foreign: 403, operator: 200 },
  { method: 'DELETE', path: '/v1/faults/wallet', own: 403, foreign: 403, operator: 200 },
  { method: 'GET', path: '/v1/breakers', own: 403, foreign: 403, operator: 200 },
  { method: 'GET', path: '/v1/breakers/payment', own: 403, foreign: 403, operator: 200 },
  {
    method: 'PUT',
    path: '/v1/breakers/payment/override',
    body: { state: 'open', expiresInMs: 1000 },
    own: 403,
    foreign: 403,
    operator: 200,
  },
  { method: 'DELETE', path: '/v1/breakers/payment/override', own: 403, foreign: 403, operator: 200 },
  { method: 'GET', path: '/v1/parked', own: 403, foreign: 403, operator: 200 },
  { method: 'GET', path: '/v1/workers', own: 403, foreign: 403, operator: 200 },
  { method: 'GET', path: '/v1/partitions', own: 403, foreign: 403, operator: 200 },
  { method: 'GET', path: '/v1/stream', own: 403, foreign: 403, operator: 200 },
  { method: 'POST', path: '/v1/audit', body: {}, own: 403, foreign: 403, operator: 200 },
  { method: 'GET', path: '/v1/acts', own: 403, foreign: 403, operator: 200 },
  { method: 'GET', path: '/v1/audits', own: 403, foreign: 403, operator: 200 },
  { method: 'GET', path: '/v1/audits/none', own: 403, foreign: 403, operator: 404 },
  { method: 'GET', path: '/v1/dead-letters', own: 403, foreign: 403, operator: 200 },
  { method: 'GET', path: '/v1/dead-letters/causes', own: 403, foreign: 403, operator: 200 },
  { method: 'GET', path: '/v1/dead-letters/l1', own: 403, foreign: 403, operator: 200 },
  { method: 'POST', path: '/v1/dead-letters/l1/replay', body: {}, own: 403, foreign: 403, operator: 202 },
  { method: 'POST', path: '/v1/dead-letters/replay', body: { ids: ['l1'] }, own: 403, foreign: 403, operator: 202 },
  {
    method: 'POST',
    path: '/v1/dead-letters/discard',
    body: { ids: ['none'], reason: 'a test' },
    own: 403,
    foreign: 403,
    operator: 200,
  },
  {
    method: 'POST',
    path: '/v1/dead-letters/l1/discard',
    body: { reason: 'a test' },
    own: 403,
    foreign: 403,
    operator: 200,
  },
] as const;

/** Any ids do where nobody gets as far as looking for them. */
const pathIn = (path: string): string => path.replaceAll(/:\w+/g, 'o1');

async function aliceWorld(tokens = keys) {
  const breaker = aBreaker('payment');
  const askBreaker: AskBreaker = async (_, { id }) => ({ id, ok: true, breaker, parked: [] });
  const deadLetters = createFakeLetters([aLetter('l1')]);
  const audits = auditsOf();
  const acts = createMemoryActs();
  const settings = { outcomeMs: 10 };
  const world = await startWorld({ tokens, faults, askBreaker, deadLetters, audits, acts, settings });
  world.board.take(aSnapshot([breaker], world.clock.now()));
  world.orders.set('o1', placedOrder('o1', 'alice'));
  world.wallets.set('alice', wallet);
  return { ...world, deadLetters };
}

const past = clockFrom({ ...systemClock, now: () => Date.now() - 3_600_000 });
const others = parseTokenKeys(`test:${'o'.repeat(32)}`);
const unknownKid = parseTokenKeys(`other:${'s'.repeat(32)}`);
const claims = { subject: 'alice', role: 'operator', expiresInS: 60 } as const;
const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
const [header = '', payload = '', signature = ''] = (await signToken(claims, keys)).split('.');

const bad: Readonly<Record<string, CallOptions>> = {
  'no token': {},
  'another scheme': { headers: { authorization: 'Basic YWxpY2U6eA==' } },
  'an empty token': { headers: { authorization: 'Bearer ' } },
  garbage: { token: 'garbage' },
  'a token of a stranger’s secret': { token: await signToken(claims, others) },
  'a token of an unknown key': { token: await signToken(claims, unknownKid) },
  'an expired token': { token: await signToken(claims, keys, past) },
  'a token without signature': { token: `${part({ alg: 'none', kid: 'test' })}.${payload}.` },
  'a token with other claims than were signed': {
    token: `${header}.${part({ sub: 'x', role: 'operator', exp: 9e9 })}.${signature}`,
  },
  'a token of an unknown role': { token: await signToken({ ...claims, role: 'admin' as never }, keys) },
};

for (const [name, options] of Object.entries(bad)) {
  test(`${name} is 401 everywhere, with a challenge, and nothing is done`, async (t) => {
    const world = await aliceWorld();
    t.teardown(world.stop);
    const closed = world.endpoints.filter(({ access }) => access !== 'public');
    t.true(closed.length > 28);
    for (const { method, path, body } of closed) {
      const reply = await world.call(method, pathIn(path), { ...options, ...(body && { body: {} }) });
      t.is(reply.status, 401, `${method} ${path}`);
      t.is(reply.body['type'], '/problems/unauthorized');
      t.regex(reply.headers.get('www-authenticate') ?? '', /^Bearer realm=/);
    }
    t.deepEqual(world.bus.published, []);
    t.deepEqual(world.requests.all(), []);
  });
}

for (const endpoint of endpoints) {
  test(`${endpoint.method} ${endpoint.path}: own ${endpoint.own}, foreign ${endpoint.foreign}, operator`, async (t) => {
    const world = await aliceWorld();
    t.teardown(world.stop);
    const body = {
      ...('body' in endpoint && { body: endpoint.body }),
      ...('headers' in endpoint && { headers: endpoint.headers }),
    };
    const foreign = await world.call(endpoint.method, endpoint.path, { as: 'bob', ...body });
    t.is(foreign.status, endpoint.foreign);
    if (foreign.status >= 400) t.deepEqual(world.requests.all(), [], 'a refused stranger leaves nothing behind');
    t.is((await world.call(endpoint.method, endpoint.path, { as: 'alice', ...body })).status, endpoint.own);
    world.stream.close(); // a stream that is open then ends at once
    const operator = await world.call(endpoint.method, endpoint.path, { as: 'root', role: 'operator', ...body });
    t.is(operator.status, 'operator' in endpoint ? endpoint.operator : endpoint.own);
  });
}

test('a customer gets nothing of what is for operators, whether it is there or not, and nothing is done', async (t) => {
  const world = await aliceWorld();
  t.teardown(world.stop);
  for (const { method, path, access, body } of world.endpoints) {
    if (access !== 'operator') continue;
    const reply = await world.call(method, pathIn(path), { as: 'alice', ...(body && { body: { no: 'valid' } }) });
    t.is(reply.status, 403, `${method} ${path}`);
    t.deepEqual(Object.keys(reply.body).toSorted(), ['detail', 'instance', 'status', 'title', 'traceId', 'type']);
  }
  t.deepEqual([world.bus.published, world.requests.all(), world.deadLetters.asked], [[], [], []]);
});

const isListed = ({ method, path }: Pick<Endpoint, 'method' | 'path'>): boolean => {
  const pattern = new RegExp(`^${path.replaceAll(/:\w+/g, '[^/?]+')}(\\?|$)`);
  return endpoints.some((listed) => listed.method === method && pattern.test(listed.path));
};

/** Alice and her order, for the parameters and filters that name a customer or an order. */
const alices: Readonly<Record<string, string>> = { orderId: 'o1', customerId: 'alice' };

/** The path of an endpoint with what is Alice's wherever it asks for that; `names`: it does. */
function askedOfAlice({ path, query }: Pick<Endpoint, 'path' | 'query'>) {
  const filters = query instanceof z.ZodObject ? Object.keys(query.shape).filter((name) => name in alices) : [];
  const search = filters.map((name) => `${name}=${alices[name]}`).join('&');
  const asked = path.replaceAll(/:(\w+)/g, (_, name: string) => alices[name] ?? 'x1');
  const names = filters.length > 0 || Object.keys(alices).some((name) => path.includes(`:${name}`));
  return { asked: search === '' ? asked : `${asked}?${search}`, names };
}

test('what is not in the list above shows a stranger nothing of a customer or an order, and otherwise the same to everybody', async (t) => {
  const world = await aliceWorld();
  t.teardown(world.stop);
  const others = world.endpoints.filter((one) => one.access === 'token' && !isListed(one));
  for (const one of others) {
    const { asked, names } = askedOfAlice(one);
    const what = `${one.method} ${asked}`;
    const foreign = await world.call(one.method, asked, { as: 'bob' });
    if (names) t.true([403, 404].includes(foreign.status), `${what}: ${foreign.status}`);
    else if (one.method === 'GET') {
      const own = await world.call(one.method, asked, { as: 'alice' });
      t.deepEqual([foreign.status, foreign.body['items']], [own.status, own.body['items']], what);
    } else t.fail(`${what}: whose is what it changes? Put it into the list.`);
  }
  t.deepEqual(world.requests.all(), []);
});

test('only documents are for everyone', async (t) => {
  const world = await aliceWorld();
  t.teardown(world.stop);
  t.deepEqual(
    world.endpoints.filter(({ access }) => access === 'public').map(({ method, path }) => `${method} ${path}`),
    ['GET /openapi.json', 'GET /problems', 'GET /problems/:slug'],
  );
});

test('while keys are changed both are good everywhere; the old one is refused everywhere once it is gone', async (t) => {
  const [older, newer] = [`old:${'1'.repeat(32)}`, `new:${'2'.repeat(32)}`];
  const sign = (key: string) => signToken({ subject: 'root', role: 'operator', expiresInS: 60 }, parseTokenKeys(key));
  const [oldToken, newToken] = [await sign(older), await sign(newer)];
  const statuses = async (listed: string, token: string): Promise<ReadonlySet<number>> => {
    const world = await aliceWorld(parseTokenKeys(listed));
    try {
      world.stream.close(); // a stream that is opened then ends at once
      const closed = world.endpoints.filter(({ access }) => access !== 'public');
      const replies = closed.map(({ method, path }) => world.call(method, pathIn(path), { token }));
      return new Set((await Promise.all(replies)).map(({ status }) => status));
    } finally {
      await world.stop();
    }
  };
  for (const [listed, token] of [
    [older, oldToken],
    [`${newer},${older}`, oldToken],
    [`${newer},${older}`, newToken],
    [newer, newToken],
  ] as const)
    t.false((await statuses(listed, token)).has(401), listed);
  t.deepEqual(await statuses(newer, oldToken), new Set([401]));
  t.deepEqual(await statuses(older, newToken), new Set([401]));
});

for (const path of ['/openapi.json', '/problems', '/problems/validation']) {
  test(`${path} needs no token`, async (t) => {
    const world = await startWorld();
    t.teardown(world.stop);
    t.is((await world.call('GET', path)).status, 200);
  });
}

test('a foreign order can not be told from one that does not exist', async (t) => {
  const world = await aliceWorld();
  t.teardown(world.stop);
  const strip = (body: object) => ({ ...body, traceId: '', instance: '' });
  const foreign = await world.call('GET', '/v1/orders/o1', { as: 'bob' });
  const missing = await world.call('GET', '/v1/orders/o2', { as: 'bob' });
  t.deepEqual(strip(foreign.body), strip(missing.body));
});
