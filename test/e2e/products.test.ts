/** IN-1 and IN-2 on the real stack: products from outside, and many who change one at once. */
import test from 'ava';
import { startStack, type TestStack } from '#test/support/stack.ts';
import { until } from '#test/support/until.ts';
import { release, reserve } from '#services/stock/contract.ts';
import { connectAmqp } from '#shared/bus/amqp/amqp-bus.ts';
import { encode } from '#shared/bus/envelope.ts';
import { inbox } from '#shared/bus/topology/topology.ts';
import { systemClock } from '#shared/clock.ts';
import { silentLog } from '#shared/log.ts';
import type { CommandType } from '#shared/message.ts';

interface Reply {
  readonly status: number;
  readonly etag: string | null;
  readonly body: Readonly<Record<string, unknown>>;
}

let stack: TestStack;
test.before(async () => {
  stack = await startStack();
});
test.after.always(async () => stack?.stop());

const price = { amount: 899, currency: 'EUR' };

async function call(method: string, path: string, body?: unknown, etag?: string): Promise<Reply> {
  const reply = await fetch(`${stack.apiUrl}/v1${path}`, {
    method,
    headers: {
      authorization: `Bearer ${stack.operatorToken}`,
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...(etag !== undefined && { 'if-match': etag }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const text = await reply.text();
  return {
    status: reply.status,
    etag: reply.headers.get('etag'),
    body: text === '' ? {} : (JSON.parse(text) as Reply['body']),
  };
}

/** How many of each status. */
function counted(replies: readonly Reply[]): Readonly<Record<number, number>> {
  const counts: Record<number, number> = {};
  for (const { status } of replies) counts[status] = (counts[status] ?? 0) + 1;
  return counts;
}

test.serial(
  'a product lives: created with its stock, changed, found by its name, deleted with its stock, created again',
  async (t) => {
    const created = await call('POST', '/products', { sku: 'life', name: 'Éclair', price, initialStock: 7 });
    t.is(created.status, 201);
    t.like((await call('GET', '/stock/life')).body, { onHand: 7, reserved: 0, available: 7 });
    const changed = await call('PUT', '/products/life', { name: 'Éclair au café', price }, created.etag!);
    t.is(changed.status, 200);
    t.deepEqual((await call('GET', '/products/life')).body, changed.body);
    t.like((await call('GET', '/products?q=eclair%20AU')).body, { items: [{ sku: 'life' }] });
    t.is((await call('DELETE', '/products/life', undefined, created.etag!)).status, 412);
    t.is((await call('DELETE', '/products/life', undefined, changed.etag!)).status, 204);
    t.is((await call('GET', '/products/life')).status, 404);
    t.is((await call('GET', '/stock/life')).status, 404);
    t.deepEqual((await call('GET', '/products?q=eclair')).body, { items: [] });
    const again = await call('POST', '/products', { sku: 'life', name: 'Éclair', price, initialStock: 1 });
    t.is(again.status, 201);
    t.like((await call('GET', '/stock/life')).body, { onHand: 1 });
    t.is((await call('PUT', '/products/life', { name: 'Éclair', price }, created.etag!)).status, 412);
  },
);

test.serial('of 200 who change a product at once by one ETag, one succeeds', async (t) => {
  const { etag } = await call('POST', '/products', { sku: 'put', name: 'Put', price });
  const names = Array.from({ length: 200 }, (_, index) => `Put ${index}`);
  const replies = await Promise.all(names.map((name) => call('PUT', '/products/put', { name, price }, etag!)));
  t.deepEqual(counted(replies), { 200: 1, 412: 199 });
  const now = await call('GET', '/products/put');
  t.deepEqual(now.body, replies.find(({ status }) => status === 200)!.body);
  t.true(replies.every((reply) => reply.etag === now.etag));
});

test.serial('of 100 who create a product of one SKU at once, one succeeds, and its stock is that one’s', async (t) => {
  const amounts = Array.from({ length: 100 }, (_, index) => index);
  const replies = await Promise.all(
    amounts.map((amount) =>
      call('POST', '/products', { sku: 'one', name: 'One', price: { ...price, amount }, initialStock: amount }),
    ),
  );
  t.deepEqual(counted(replies), { 201: 1, 409: 99 });
  const { amount } = (await call('GET', '/products/one')).body['price'] as typeof price;
  t.like((await call('GET', '/stock/one')).body, { onHand: amount });
});

test.serial('of 50 who delete a product at once, whoever is told of it is told the truth', async (t) => {
  const { etag } = await call('POST', '/products', { sku: 'gone', name: 'Gone', price });
  const replies = await Promise.all(
    Array.from({ length: 50 }, () => call('DELETE', '/products/gone', undefined, etag!)),
  );
  const { 204: done = 0, 404: gone = 0, ...others } = counted(replies);
  t.true(done >= 1);
  t.is(done + gone, 50, JSON.stringify(others));
  t.is((await call('GET', '/products/gone')).status, 404);
});

test.serial(
  'a product of which something is reserved is not deleted, and says how much; once it is released it is',
  async (t) => {
    const bus = connectAmqp({ url: stack.amqpUrl, name: 'test', clock: systemClock, log: silentLog });
    t.teardown(() => bus.close());
    await until('the test is connected', () => bus.connected, Boolean);
    const told = <Body>(type: CommandType<Body>, body: Body, id: string) =>
      bus.publish(inbox(type.route), encode({ id, type: type.name, key: type.key(body), body, correlationId: id }));
    const { etag } = await call('POST', '/products', { sku: 'held', name: 'Held', price, initialStock: 5 });
    const sku = 'held';
    const expiresAt = Date.now() + 3_600_000;
    for (const orderId of ['o1', 'o2'])
      await told(reserve, { sku, orderId, quantity: 2, expiresAt }, `${orderId}:reserve`);
    const reservedOf = async () => (await call('GET', '/stock/held')).body['reserved'];
    await until('both are reserved', reservedOf, (reserved) => reserved === 4);
    const refused = await call('DELETE', '/products/held', undefined, etag!);
    t.is(refused.status, 409);
    t.like(refused.body, { type: '/problems/product-reserved', reserved: 4, openOrders: 2 });
    t.is((await call('GET', '/products/held')).etag, etag);
    for (const orderId of ['o1', 'o2'])
      await told(release, { sku, orderId, of: `${orderId}:reserve` }, `${orderId}:release`);
    await until('both are released', reservedOf, (reserved) => reserved === 0);
    t.is((await call('DELETE', '/products/held', undefined, etag!)).status, 204);
  },
);

test.serial('while the stock is away a product is taken, and has its stock when that is back', async (t) => {
  await call('PUT', '/faults/stock', { pauseConsuming: true });
  const taken = await call('POST', '/products', { sku: 'later', name: 'Later', price, initialStock: 3 });
  t.is(taken.status, 202);
  t.like((await call('GET', '/products/later')).body, { name: 'Later' });
  await call('DELETE', '/faults/stock');
  const stock = await until(
    'its stock is there',
    () => call('GET', '/stock/later'),
    ({ status }) => status === 200,
  );
  t.like(stock.body, { onHand: 3 });
});
