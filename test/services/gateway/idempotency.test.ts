import test from 'ava';
import { anOrder, startWorld, type World } from './world.ts';
import { REQUEST_KEPT_MS } from '#shared/web/door.ts';

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

test('the same key and body are answered the same and placed once, bare or quoted', (t) =>
  inWorld(async ({ order, bus }) => {
    const first = await order({ headers: { 'idempotency-key': 'a key' } });
    const reordered = JSON.stringify(Object.fromEntries(Object.entries(anOrder()).toReversed()));
    const second = await order({ raw: reordered, headers: { 'idempotency-key': '"a key"' } });
    t.is(second.status, 202);
    t.deepEqual(second.body, first.body);
    t.is(second.headers.get('location'), first.headers.get('location'));
    t.is(first.headers.get('idempotency-replayed'), null);
    t.is(second.headers.get('idempotency-replayed'), 'true');
    t.is(bus.published.length, 1);
  }));

test('the same key with another body, or on another path, is 422', (t) =>
  inWorld(async ({ order, call, bus }) => {
    const headers = { 'idempotency-key': 'k' };
    const ops = { as: 'ops', role: 'operator', headers } as const;
    await order(ops);
    const other = await order({ ...ops, body: anOrder({ email: 'other@example.com' }) });
    t.is(other.status, 422);
    t.is(other.body['type'], '/problems/idempotency-key-reused');
    const topUp = await call('POST', '/v1/wallets/alice/top-ups', {
      ...ops,
      body: { amount: 1, currency: 'EUR' },
    });
    t.is(topUp.status, 422);
    t.is(bus.published.length, 1);
  }));

test('the same key of another subject is another request', (t) =>
  inWorld(async ({ order }) => {
    const headers = { 'idempotency-key': 'k' };
    const one = await order({ headers });
    const other = await order({ headers, as: 'root', role: 'operator' });
    t.is(other.status, 202);
    t.not(other.body['id'], one.body['id']);
  }));

test('while the first request runs, the same key is 409 and nothing is sent twice', (t) =>
  inWorld(async ({ order, bus }) => {
    const gate = Promise.withResolvers<void>();
    const reached = Promise.withResolvers<void>();
    bus.behave(() => {
      reached.resolve();
      return gate.promise;
    });
    const headers = { 'idempotency-key': 'k' };
    const first = order({ headers });
    await reached.promise;
    const second = await order({ headers });
    t.is(second.status, 409);
    t.is(second.body['type'], '/problems/idempotency-key-in-use');
    t.truthy(second.headers.get('retry-after'));
    gate.resolve();
    t.is((await first).status, 202);
    t.is(bus.published.length, 1);
    t.is((await order({ headers })).headers.get('idempotency-replayed'), 'true');
  }));

test('fifty concurrent requests under one key place one order', (t) =>
  inWorld(async ({ order, bus }) => {
    const replies = await Promise.all(Array.from({ length: 50 }, () => order({ headers: { 'idempotency-key': 'k' } })));
    t.is(bus.published.length, 1);
    t.is(
      replies.filter(({ headers, status }) => status === 202 && headers.get('idempotency-replayed') === null).length,
      1,
    );
    t.true(replies.every(({ status }) => status === 202 || status === 409));
  }));

test('a key is kept for 24 hours', (t) =>
  inWorld(async ({ order, requests }) => {
    await order({ headers: { 'idempotency-key': 'k' } });
    const [request] = requests.all();
    t.true(Math.abs((request?.expiresAt ?? 0) - Date.now() - REQUEST_KEPT_MS) < 10_000);
  }));
