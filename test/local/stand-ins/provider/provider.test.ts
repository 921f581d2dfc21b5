import test, { type ExecutionContext } from 'ava';
import { startProvider, type RunningProvider } from '#local/stand-ins/provider/provider.ts';
import { httpProvider } from '#services/payment/http-provider.ts';
import { calm, isDeclined, seeded, type Settings } from '#local/stand-ins/misbehaviour.ts';
import { systemClock } from '#shared/clock.ts';
import { silentLog } from '#shared/log.ts';
import { until } from '#test/support/until.ts';

async function started(t: ExecutionContext, settings: Partial<Settings> = {}): Promise<RunningProvider> {
  const provider = await startProvider({ settings, clock: systemClock, log: silentLog });
  t.teardown(() => provider.close());
  return provider;
}

const call = (paymentId: string, effect: string, signal: AbortSignal = AbortSignal.timeout(10_000)) => ({
  paymentId,
  idempotencyKey: `${paymentId}:${effect}`,
  signal,
});
const request = (paymentId: string, method: string, signal?: AbortSignal) => ({
  ...call(paymentId, 'authorize', signal),
  orderId: 'o1',
  amount: { amount: 60, currency: 'EUR' as const },
  method,
});
const seen = async (provider: RunningProvider, id: string) =>
  (await (await fetch(`${provider.url}/payments/${encodeURIComponent(id)}`)).json()) as { status?: string };

test('a payment is authorized, captured and refunded, each once', async (t) => {
  const provider = await started(t);
  const client = httpProvider({ url: provider.url });
  t.deepEqual(await client.authorize(request('p 1/ü', 'pm_ok')), { approved: true });
  t.like(await seen(provider, 'p 1/ü'), {
    status: 'authorized',
    orderId: 'o1',
    amount: { amount: 60, currency: 'EUR' },
  });
  t.deepEqual(await client.capture(call('p 1/ü', 'capture')), { approved: true });
  t.deepEqual(await client.capture(call('p 1/ü', 'capture')), { approved: true });
  t.deepEqual(await client.refund(call('p 1/ü', 'refund')), { refunded: true });
  t.deepEqual(await client.refund(call('p 1/ü', 'refund')), { refunded: true });
  t.like(await seen(provider, 'p 1/ü'), { status: 'refunded' });
});

test('declined and unknown methods are refused with their reason', async (t) => {
  const client = httpProvider(await started(t));
  t.deepEqual(await client.authorize(request('p1', 'pm_declined')), { approved: false, reason: 'card_declined' });
  t.deepEqual(await client.authorize(request('p2', 'pm_gold')), { approved: false, reason: 'unknown_payment_method' });
  t.deepEqual(await client.capture(call('p3', 'capture')), { approved: false, reason: 'not_authorized' });
});

test('pm_slow answers after a second', async (t) => {
  const client = httpProvider(await started(t));
  const before = systemClock.now();
  t.deepEqual(await client.authorize(request('p1', 'pm_slow')), { approved: true });
  t.true(systemClock.now() - before >= 990);
});

test('pm_slow is ready a second after the first try, so that a caller with less patience gets its answer by trying again', async (t) => {
  const client = httpProvider(await started(t));
  const before = systemClock.now();
  const impatient = () => client.authorize(request('p1', 'pm_slow', AbortSignal.timeout(300))).catch(() => undefined);
  let tries = 1;
  while ((await impatient()) === undefined) tries += 1;
  t.true(tries > 1);
  t.true(systemClock.now() - before >= 990);
});

test('pm_timeout never answers; the provider survives the caller giving up, and a void ends what it did', async (t) => {
  const provider = await started(t);
  const client = httpProvider(provider);
  await until(
    'the provider has heard of it',
    async () => {
      await t.throwsAsync(client.authorize(request('p1', 'pm_timeout', AbortSignal.timeout(100))));
      return (await seen(provider, 'p1')).status;
    },
    (status) => status === 'authorized',
  );
  for (let tries = 0; tries < 3; tries += 1)
    await t.throwsAsync(client.authorize(request('p1', 'pm_timeout', AbortSignal.timeout(100))));
  t.is((await seen(provider, 'p1')).status, 'authorized');
  await client.void(call('p1', 'void'));
  t.is((await seen(provider, 'p1')).status, 'voided');
});

test('a void or refund without an authorization is remembered and refuses the late one', async (t) => {
  const client = httpProvider(await started(t));
  await client.void(call('p1', 'void'));
  t.deepEqual(await client.authorize(request('p1', 'pm_ok')), { approved: false, reason: 'already_voided' });

  t.deepEqual(await client.refund(call('p2', 'refund')), { refunded: false });
  t.deepEqual(await client.authorize(request('p2', 'pm_ok')), { approved: true });
  t.deepEqual(await client.capture(call('p2', 'capture')), { approved: false, reason: 'capture_forbidden' });
});

test('a key with another request is refused, a call without a key or with a wrong body too', async (t) => {
  const provider = await started(t);
  const post = async (body: unknown, headers: Record<string, string>) =>
    (await fetch(`${provider.url}/voids`, { method: 'POST', headers, body: JSON.stringify(body) })).status;
  t.is(await post({ paymentId: 'p1' }, { 'idempotency-key': 'k' }), 200);
  t.is(await post({ paymentId: 'p2' }, { 'idempotency-key': 'k' }), 422);
  t.is(await post({ paymentId: 'p1' }, {}), 400);
  t.is(await post({ paymentId: 1 }, { 'idempotency-key': 'k2' }), 400);
  t.is(await post({ paymentId: 'x'.repeat(100_000) }, { 'idempotency-key': 'k3' }), 400);
  for (const path of ['/livez', '/readyz']) t.is((await fetch(`${provider.url}${path}`)).status, 200);
});

test('failures follow from the seed, some happen after the effect, and a retry with the same key gets through', async (t) => {
  const outcomes = async (): Promise<{ readonly failed: string; readonly effects: number }> => {
    const provider = await started(t, { failureRate: { numerator: 1, denominator: 2 }, seed: 7 });
    const client = httpProvider(provider);
    let failed = '';
    let effects = 0;
    for (let n = 0; n < 40; n += 1) {
      const outcome = await client.authorize(request(`p${n}`, 'pm_ok')).catch(() => 'failed' as const);
      failed += outcome === 'failed' ? 'x' : '.';
      if (outcome === 'failed' && (await seen(provider, `p${n}`)).status === 'authorized') effects += 1;
    }
    for (let tries = 0; tries < 50; tries += 1) {
      if (await client.authorize(request('p-last', 'pm_ok')).catch(() => undefined)) return { failed, effects };
    }
    throw new Error('never got through');
  };
  const first = await outcomes();
  t.deepEqual(await outcomes(), first);
  t.true(first.failed.includes('x') && first.failed.includes('.') && first.effects > 0);
});

test('what happens to an order does not depend on what other orders do before it', async (t) => {
  const outcomes = async (order: readonly number[]): Promise<readonly string[]> => {
    const client = httpProvider(await started(t, { failureRate: { numerator: 1, denominator: 2 }, seed: 11 }));
    const seenOf = new Map<number, string>();
    for (const n of order) {
      let tries = '';
      while (!tries.endsWith('.'))
        tries += (await client.authorize(request(`p${n}`, 'pm_ok')).catch(() => undefined)) ? '.' : 'x';
      seenOf.set(n, tries);
    }
    return [...seenOf].toSorted(([a], [b]) => a - b).map(([, tries]) => tries);
  };
  const numbers = Array.from({ length: 20 }, (_, n) => n);
  const first = await outcomes(numbers);
  t.deepEqual(await outcomes(numbers.toReversed()), first);
  t.true(new Set(first).size > 1);
});

test('pm_declined_2_times declines the first two payments of each order, each once, then approves', async (t) => {
  const client = httpProvider(await started(t));
  const pay = (orderId: string, payment: number) =>
    client.authorize({ ...request(`${orderId}-${payment}`, 'pm_declined_2_times'), orderId });
  const declined = { approved: false, reason: 'card_declined' } as const;
  t.deepEqual(await pay('a', 1), declined);
  t.deepEqual(await pay('a', 1), declined, 'a copy of the same call');
  t.deepEqual(await pay('b', 1), declined);
  t.deepEqual(await pay('a', 2), declined);
  t.deepEqual(await pay('a', 3), { approved: true });
  t.deepEqual(await pay('b', 2), declined);
  t.deepEqual(await pay('b', 3), { approved: true });
});

/** How often each order is declined before it is approved; many are paid at once, in this order. */
async function declines(t: ExecutionContext, seed: number, orders: readonly number[]): Promise<readonly number[]> {
  const settings = { declineRate: { numerator: 4, denominator: 10 }, spreadMs: 3, seed };
  const client = httpProvider(await started(t, settings));
  const pay = (n: number, nth: number) =>
    client.authorize({ ...request(`${n}-${nth}`, 'pm_ok'), orderId: `order-${n}` });
  const found = new Map<number, number>();
  const waiting = orders.toReversed();
  const payTwice = async (n: number, nth: number): Promise<boolean> => {
    const [outcome, again] = await Promise.all([pay(n, nth), pay(n, nth)]);
    t.deepEqual(again, outcome, 'a copy of the same call');
    return outcome.approved;
  };
  const payOneByOne = async (): Promise<void> => {
    for (let n = waiting.pop(); n !== undefined; n = waiting.pop()) {
      let tries = 1;
      while (!(await payTwice(n, tries))) tries += 1;
      found.set(n, tries - 1);
    }
  };
  await Promise.all(Array.from({ length: 10 }, payOneByOne));
  return Array.from({ length: orders.length }, (_, n) => found.get(n)!);
}

test('the same seed declines each order as often, in whatever order they come and however many at once; another seed does not', async (t) => {
  const orders = Array.from({ length: 60 }, (_, n) => n);
  const first = await declines(t, 7, orders);
  const random = seeded(99);
  const shuffled = orders.toSorted(() => random() - 0.5);
  t.deepEqual(await declines(t, 7, shuffled), first);
  t.notDeepEqual(await declines(t, 8, orders), first);
  t.true(new Set(first).size > 2, first.join());
});

test('of two thousand orders as many tries are declined as the rate says, first ones and later ones', (t) => {
  const settings = { ...calm, declineRate: { numerator: 3, denominator: 10 } };
  for (const seed of [1, 2, 3]) {
    for (const nth of [1, 2, 3]) {
      const orders = Array.from({ length: 2000 }, (_, n) => `order-${n}`);
      const declined = orders.filter((order) => isDeclined({ ...settings, seed }, order, nth)).length;
      t.true(Math.abs(declined - 600) < 82, `four deviations: ${declined} of try ${nth} with seed ${seed}`);
    }
  }
});

test('what a token says of its declines is exact, whatever the rate is', async (t) => {
  const client = httpProvider(await started(t, { declineRate: { numerator: 1, denominator: 1 } }));
  const pay = (payment: number, method: string) => client.authorize(request(`p-${payment}`, method));
  t.deepEqual(await pay(1, 'pm_declined_1_times'), { approved: false, reason: 'card_declined' });
  t.deepEqual(await pay(2, 'pm_declined_1_times'), { approved: true });
  t.deepEqual(await pay(3, 'pm_ok'), { approved: false, reason: 'card_declined' });
});

test('settings change while it runs; wrong ones are refused', async (t) => {
  const provider = await started(t);
  const put = (body: unknown) => fetch(`${provider.url}/settings`, { method: 'PUT', body: JSON.stringify(body) });
  t.is((await put({ failureRate: { numerator: 1, denominator: 1 } })).status, 200);
  const client = httpProvider(provider);
  await t.throwsAsync(client.authorize(request('p1', 'pm_ok')), { message: /503/ });
  t.is((await put({ failureRate: { numerator: 2, denominator: 1 } })).status, 400);
  t.is((await put({ latencyMs: -1 })).status, 400);
  t.is((await put({ failureRate: { numerator: 0, denominator: 1 }, latencyMs: 60 })).status, 200);
  const before = systemClock.now();
  t.deepEqual(await client.authorize(request('p1', 'pm_ok')), { approved: true });
  t.true(systemClock.now() - before >= 55);
});
