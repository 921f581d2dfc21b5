import test from 'ava';
import { placedOrder, startWorld, type World } from './world.ts';
import { place } from '#services/order/contract.ts';
import { systemClock } from '#shared/clock.ts';

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

test('an accepted order is published to its owner once, and is readable at once at its Location', (t) =>
  inWorld(async ({ order, call, bus }) => {
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    const reply = await order({ headers: { traceparent } });
    t.is(reply.status, 202);
    t.is(reply.headers.get('cache-control'), 'no-store');
    const { id, status, total, createdAt } = reply.body;
    t.is(status, 'pending');
    t.deepEqual(total, { amount: 2598, currency: 'EUR' });
    t.is(new Date(String(createdAt)).toISOString(), String(createdAt));
    t.is(reply.headers.get('location'), `/v1/orders/${String(id)}`);

    t.is(bus.published.length, 1);
    const { exchange, message } = bus.published[0]!;
    t.is(exchange, 'order.in');
    t.is(message.id, `${String(id)}:place`);
    t.is(message.key, String(id));
    t.deepEqual(message.replyTo, { route: 'saga', key: String(id) });
    t.true(place.body.safeParse(message.body).success);
    t.regex(message.traceparent ?? '', /^00-0af7651916cd43dd8448eb211c80319c-[0-9a-f]{16}-01$/);
    t.false(message.traceparent?.includes('b7ad6b7169203331'));

    t.deepEqual((await call('GET', String(reply.headers.get('location')), { as: 'alice' })).body, reply.body);
    const timeline = await call('GET', `/v1/orders/${String(id)}/timeline`, { as: 'alice' });
    t.is(timeline.body['state'], 'running');
    t.deepEqual((await call('GET', `/v1/payments?orderId=${String(id)}`, { as: 'alice' })).body, { items: [] });
    t.deepEqual((await call('GET', `/v1/deliveries?orderId=${String(id)}`, { as: 'alice' })).body, { items: [] });
    t.deepEqual((await call('GET', `/v1/orders/${String(id)}/emails`, { as: 'alice' })).body, { items: [] });
  }));

test('the owner’s view of an order counts as soon as there is one', (t) =>
  inWorld(async ({ order, call, orders }) => {
    const id = String((await order()).body['id']);
    orders.set(id, placedOrder(id, 'alice', 'paid'));
    t.is((await call('GET', `/v1/orders/${id}`, { as: 'alice' })).body['status'], 'paid');
  }));

for (const [code, slug, status] of [
  ['returned', 'breaker-open', 503],
  ['nacked', 'dependency-unavailable', 503],
  ['not-connected', 'dependency-unavailable', 503],
] as const) {
  test(`a publish that is ${code} leaves nothing behind and does not burn the key`, (t) =>
    inWorld(
      async ({ order, bus, requests }) => {
        bus.fail(code);
        const headers = { 'idempotency-key': 'k' };
        const reply = await order({ headers });
        t.is(reply.status, status);
        t.is(reply.body['type'], `/problems/${slug}`);
        t.regex(reply.headers.get('retry-after') ?? '', /^\d+$/);
        if (code === 'returned') {
          t.like(reply.body, { route: 'order', state: 'open', retryAfterMs: 7000 });
          t.is(reply.headers.get('retry-after'), '7');
        }
        t.deepEqual(requests.all(), []);
        bus.recover();
        const second = await order({ headers });
        t.is(second.status, 202);
        t.is(second.headers.get('idempotency-replayed'), null);
      },
      { settings: { gateCycleMs: 7000 } },
    ));
}

test('an unknown outcome is 504, not yet readable, and settled as one order under the same key', (t) =>
  inWorld(async ({ order, call, bus, requests }) => {
    bus.fail('outcome-unknown');
    const headers = { 'idempotency-key': 'k' };
    const first = await order({ headers });
    t.is(first.status, 504);
    t.is(first.body['type'], '/problems/outcome-unknown');
    const id = requests.all()[0]?.resourceId ?? '';
    t.is((await call('GET', `/v1/orders/${id}`, { as: 'alice' })).status, 404);

    bus.fail('returned');
    t.is((await order({ headers })).status, 504, 'an earlier copy may have got through, so a refusal is not certain');
    t.is(requests.all().length, 1);

    bus.recover();
    const settled = await order({ headers });
    t.is(settled.status, 202);
    t.is(settled.headers.get('idempotency-replayed'), 'true');
    t.is(settled.body['id'], id);
    t.deepEqual(
      bus.published.map(({ message }) => message.id),
      [`${id}:place`],
    );
  }));

test('a broker that does not confirm in time is an unknown outcome', (t) =>
  inWorld(
    async ({ order, bus }) => {
      bus.behave(() => new Promise(() => {}));
      t.is((await order()).status, 504);
    },
    { settings: { publishMs: 20 } },
  ));

test('lists are the caller’s own, filtered, in pages', (t) =>
  inWorld(async ({ call, orders }) => {
    for (let n = 0; n < 5; n++) orders.set(`a${n}`, placedOrder(`a${n}`, 'alice', n === 0 ? 'failed' : 'completed'));
    orders.set('b0', placedOrder('b0', 'bob'));
    const ids = ({ body }: { body: Readonly<Record<string, unknown>> }) =>
      (body['items'] as { id: string }[]).map(({ id }) => id);

    const first = await call('GET', '/v1/orders?limit=3', { as: 'alice' });
    t.deepEqual(ids(first), ['a4', 'a3', 'a2']);
    const second = await call('GET', `/v1/orders?limit=3&cursor=${String(first.body['nextCursor'])}`, { as: 'alice' });
    t.deepEqual(ids(second), ['a1', 'a0']);
    t.false('nextCursor' in second.body);
    t.deepEqual(ids(await call('GET', '/v1/orders?state=failed', { as: 'alice' })), ['a0']);
    t.is(ids(await call('GET', '/v1/orders', { as: 'root', role: 'operator' })).length, 6);
    t.deepEqual(ids(await call('GET', '/v1/orders?customerId=bob', { as: 'root', role: 'operator' })), ['b0']);
    t.is((await call('GET', '/v1/orders?customerId=bob', { as: 'alice' })).status, 403);
    const elsewhere = await call('GET', `/v1/orders?limit=3&cursor=${String(first.body['nextCursor'])}`, { as: 'bob' });
    t.is(elsewhere.status, 400);
  }));

for (const query of [
  'limit=0',
  'limit=101',
  'limit=-1',
  'limit=1.5',
  'limit=x',
  'limit=',
  'limit=1&limit=2',
  'cursor=zzz',
  'cursor=',
  'state=done',
  'nonsense=1',
]) {
  test(`a list with ${query} is a validation problem that names the parameter`, (t) =>
    inWorld(async ({ call }) => {
      const reply = await call('GET', `/v1/orders?${query}`, { as: 'alice' });
      t.is(reply.status, 400);
      t.like((reply.body['errors'] as object[])[0], { pointer: `/${query.split('=')[0]}`, in: 'query' });
    }));
}

test('cancelling answers what the saga decided', (t) =>
  inWorld(async ({ call, bus, orders, outcomes }) => {
    orders.set('o1', placedOrder('o1', 'alice'));
    bus.behave(
      async (_, message) => void outcomes.set(message.id, { type: 'saga.cancelling', body: { orderId: 'o1' } }),
    );
    const reply = await call('POST', '/v1/orders/o1/cancel', { as: 'alice' });
    t.is(reply.status, 202);
    t.is(reply.body['id'], 'o1');
    t.is(reply.headers.get('location'), '/v1/orders/o1');
    const { exchange, message } = bus.published[0]!;
    t.is(exchange, 'saga.in');
    t.like(message, { type: 'saga.cancel', key: 'o1', body: { orderId: 'o1' } });
    const until = message.rememberUntil! - systemClock.now();
    t.true(until > 60_000 && until < 86_400_000, 'it is not remembered for ever');
    t.true(message.id.startsWith('o1:cancel:'));
  }));

test('a cancel that comes too late is 409 and does not burn its key; one of a cancelled order is 200', (t) =>
  inWorld(async ({ call, bus, orders, outcomes }) => {
    orders.set('o1', placedOrder('o1', 'alice'));
    bus.behave(
      async (_, { id }) =>
        void outcomes.set(id, { type: 'saga.cancel-refused', body: { orderId: 'o1', reason: 'too_late' } }),
    );
    const headers = { 'idempotency-key': 'k' };
    const refused = await call('POST', '/v1/orders/o1/cancel', { as: 'alice', body: {}, headers });
    t.is(refused.status, 409);
    t.like(refused.body, { type: '/problems/invalid-transition', reason: 'too_late' });
    orders.set('o1', placedOrder('o1', 'alice', 'cancelled'));
    const again = await call('POST', '/v1/orders/o1/cancel', { as: 'alice', body: {}, headers });
    t.is(again.status, 200);
    t.is(bus.published.length, 2);
  }));

test('an order that the saga does not know yet is asked for again until it does', (t) =>
  inWorld(async ({ call, bus, orders, outcomes }) => {
    orders.set('o1', placedOrder('o1', 'alice'));
    bus.behave(async (_, { id }) => {
      const known = bus.published.length > 0;
      const body = { orderId: 'o1', ...(known ? {} : { reason: 'unknown_order' }) };
      outcomes.set(id, { type: known ? 'saga.cancelling' : 'saga.cancel-refused', body });
    });
    t.is((await call('POST', '/v1/orders/o1/cancel', { as: 'alice' })).status, 202);
    t.is(bus.published.length, 2);
  }));

test('a cancel without an answer in time is 202 with the Location of the order', (t) =>
  inWorld(async ({ call, orders }) => {
    orders.set('o1', placedOrder('o1', 'alice'));
    const reply = await call('POST', '/v1/orders/o1/cancel', { as: 'root', role: 'operator' });
    t.is(reply.status, 202);
    t.is(reply.headers.get('location'), '/v1/orders/o1');
  }));
