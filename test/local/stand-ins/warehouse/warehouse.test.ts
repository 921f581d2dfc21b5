import test, { type ExecutionContext } from 'ava';
import { startWarehouse } from '#local/stand-ins/warehouse/warehouse.ts';
import type { Settings } from '#local/stand-ins/misbehaviour.ts';
import { httpWarehouse, triesWithin } from '#services/delivery/http-warehouse.ts';
import { systemClock } from '#shared/clock.ts';
import { silentLog } from '#shared/log.ts';

interface Calls {
  readonly items: readonly {
    readonly key: string;
    readonly times: number;
    readonly calls: readonly { readonly request: string; readonly status?: number; readonly at: number }[];
  }[];
}

async function started(t: ExecutionContext, settings: Partial<Settings> = {}) {
  const { url, close } = await startWarehouse({ settings, clock: systemClock, log: silentLog });
  t.teardown(close);
  const tries = { ...triesWithin(2400), backoff: { baseMs: 1, capMs: 4 } };
  const client = httpWarehouse({ url, tries, clock: systemClock });
  const send = async (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) => {
    const response = await fetch(`${url}${path}`, {
      method,
      headers: { 'content-type': 'application/json', ...headers },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  };
  const call = (orderId: string, way: string) => ({
    deliveryId: `dlv-${orderId}`,
    idempotencyKey: `${orderId}:arrange-delivery:${way}`,
    signal: AbortSignal.timeout(10_000),
  });
  return {
    send,
    dispatch: (orderId: string, sku = 'book') =>
      client.dispatch({ ...call(orderId, 'do'), orderId, items: [{ sku, quantity: 1 }] }),
    cancel: (orderId: string) => client.cancel(call(orderId, 'undo')),
    script: (orderId: string, script: readonly unknown[]) => send('PUT', `/script/${orderId}`, script),
    calls: async (key?: string) => (await send('GET', `/calls${key ? `?key=${key}` : ''}`)).body as unknown as Calls,
    status: async (orderId: string) => (await send('GET', `/deliveries/dlv-${orderId}`)).body['status'],
  };
}

test('a delivery is arranged and cancelled, each once', async (t) => {
  const one = await started(t);
  t.deepEqual(await one.dispatch('o 1/ü'), { accepted: true });
  t.deepEqual(await one.dispatch('o 1/ü'), { accepted: true }, 'the same key, the same answer');
  await one.dispatch('o2');
  t.is(await one.status('o2'), 'arranged');
  await one.cancel('o2');
  await one.cancel('o2');
  t.is(await one.status('o2'), 'cancelled');
  t.deepEqual(await one.dispatch('o2'), { accepted: true }, 'the key was answered before, and nothing happens');
  t.is(await one.status('o2'), 'cancelled');
});

test('a cancellation without a delivery is remembered and refuses the late one', async (t) => {
  const one = await started(t);
  await one.cancel('o1');
  t.deepEqual(await one.dispatch('o1'), { accepted: false, reason: 'already_cancelled' });
  t.is(await one.status('o1'), 'cancelled');
});

test('what cannot be delivered is refused, after one call', async (t) => {
  const one = await started(t);
  t.deepEqual(await one.dispatch('o1', 'no-delivery'), { accepted: false, reason: 'not_deliverable' });
  t.is(await one.status('o1'), undefined);
  t.like((await one.calls('o1:arrange-delivery:do')).items[0], { times: 1 });
});

test('a script says how an order is answered; the calls of each key are told', async (t) => {
  const one = await started(t);
  await one.script('o1', [503, 503, 200]);
  t.deepEqual(await one.dispatch('o1'), { accepted: true });
  await one.dispatch('o2');
  const { items } = await one.calls();
  t.deepEqual(
    items.map(({ key, times, calls }) => [key, times, calls.map(({ status }) => status)]),
    [
      ['o1:arrange-delivery:do', 3, [503, 503, 201]],
      ['o2:arrange-delivery:do', 1, [201]],
    ],
  );
  await one.script('o3', [418]);
  t.deepEqual(await one.dispatch('o3'), { accepted: false, reason: 'scripted' });
  t.is(await one.status('o3'), undefined);
  await one.script('o1', [500]);
  await one.cancel('o1');
  t.is((await one.calls('o1:arrange-delivery:undo')).items[0]!.times, 2, 'a cancellation follows the script as well');
});

test('an answer that is never given has its effect all the same', async (t) => {
  const one = await started(t);
  await one.script('o1', ['silent', 200]);
  t.deepEqual(await one.dispatch('o1'), { accepted: true });
  t.deepEqual(
    (await one.calls('o1:arrange-delivery:do')).items[0]!.calls.map(({ status }) => status),
    [undefined, 201],
  );
});

test('failures and latency follow from the seed, some failures come after the effect', async (t) => {
  const settings = { failureRate: { numerator: 1, denominator: 2 }, seed: 5 };
  const outcomes = async () => {
    const one = await started(t, settings);
    const effects: string[] = [];
    for (let index = 0; index < 24; index += 1) {
      const { status } = await one.send(
        'POST',
        '/deliveries',
        { deliveryId: `dlv-o${index}`, orderId: `o${index}`, items: [{ sku: 'book', quantity: 1 }] },
        { 'idempotency-key': `k${index}` },
      );
      effects.push(`${status} ${String(await one.status(`o${index}`))}`);
    }
    return effects;
  };
  const first = await outcomes();
  t.deepEqual(await outcomes(), first);
  t.deepEqual(new Set(first), new Set(['201 arranged', '503 undefined', '503 arranged']));
});

test('a caller with retries gets all its deliveries from a warehouse that fails half of the time', async (t) => {
  const one = await started(t, { failureRate: { numerator: 1, denominator: 2 }, seed: 7 });
  let accepted = 0;
  for (let index = 0; index < 30; index += 1) {
    const outcome = await one.dispatch(`o${index}`).catch(() => one.dispatch(`o${index}`));
    if (outcome.accepted) accepted += 1;
  }
  t.is(accepted, 30);
});

test('a call without a key, with a wrong body, or a key with another request is refused', async (t) => {
  const one = await started(t);
  const body = { deliveryId: 'd', orderId: 'o', items: [{ sku: 'book', quantity: 1 }] };
  t.like(await one.send('POST', '/deliveries', body), { status: 400, body: { reason: 'idempotency_key_missing' } });
  const key = { 'idempotency-key': 'k' };
  t.like(await one.send('POST', '/deliveries', { ...body, items: [] }, key), { status: 400 });
  t.like(await one.send('POST', '/deliveries', body, key), { status: 201 });
  t.like(await one.send('POST', '/deliveries', { ...body, deliveryId: 'e' }, key), { status: 422 });
  t.like(await one.send('PUT', '/script/o', [99]), { status: 400 });
  t.like(await one.send('GET', '/elsewhere'), { status: 404 });
  for (const path of ['/livez', '/readyz']) t.like(await one.send('GET', path), { status: 200 });
});

test('settings change while it runs; wrong ones are refused', async (t) => {
  const one = await started(t);
  t.like(await one.send('PUT', '/settings', { latencyMs: 40 }), { status: 200, body: { latencyMs: 40 } });
  const before = systemClock.now();
  await one.dispatch('o1');
  t.true(systemClock.now() - before >= 19);
  t.like(await one.send('PUT', '/settings', { latencyMs: -1 }), { status: 400 });
});
