import test, { type ExecutionContext } from 'ava';
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { httpWarehouse, triesWithin, type Tries } from '#services/delivery/http-warehouse.ts';
import { backoffMs } from '#shared/backoff.ts';
import { limitsFor } from '#shared/entity/options.ts';

interface Seen {
  readonly at: number;
  readonly method: string;
  readonly url: string;
  readonly key: string;
  readonly traceparent: string | undefined;
}

const quick: Tries = { backoff: { baseMs: 2, capMs: 8 }, limit: 5, tryMs: 2000 };
const [LOW, HIGH] = [0, 1 - Number.EPSILON];

/** A warehouse that answers one status after the other, the last for ever; `silent` never answers, `broken` hangs up. */
async function answering(
  t: ExecutionContext,
  script: readonly (number | 'silent' | 'broken' | RequestListener)[],
  { tries = quick, random = Math.random, body = '{}' }: { tries?: Tries; random?: () => number; body?: string } = {},
) {
  const seen: Seen[] = [];
  const server = createServer((request, response) => {
    const next = script[Math.min(seen.length, script.length - 1)]!;
    const { 'idempotency-key': key, traceparent } = request.headers;
    seen.push({
      at: performance.now(),
      method: request.method!,
      url: request.url!,
      key: String(key),
      traceparent: traceparent as string | undefined,
    });
    if (next === 'broken') request.socket.destroy();
    else if (typeof next === 'function') next(request, response);
    else if (next !== 'silent')
      response.writeHead(next, { 'content-type': 'application/json', location: '/elsewhere' }).end(body);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    server.close();
    server.closeAllConnections();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v2`;
  const warehouse = httpWarehouse({ url, tries, clock: { random } });
  const call = (signal = AbortSignal.timeout(10_000)) => ({
    deliveryId: 'dlv-o1',
    idempotencyKey: 'o1:arrange-delivery:do',
    traceparent: '00-a-b-01',
    signal,
  });
  return {
    seen,
    dispatch: (signal?: AbortSignal) =>
      warehouse.dispatch({ ...call(signal), orderId: 'o1', items: [{ sku: 'book', quantity: 1 }] }),
    cancel: (signal?: AbortSignal) => warehouse.cancel(call(signal)),
  };
}

/** Those that measure times run by themselves, and after the first exchange of the process, which takes longer. */
test.serial('a warehouse that always fails is given up after so many tries, with its status', async (t) => {
  const one = await answering(t, [502]);
  await t.throwsAsync(one.dispatch(), { message: /502/ });
  t.is(one.seen.length, 5);
});

test('503, 503, 200: three calls and success, each try under the same key', async (t) => {
  const one = await answering(t, [503, 503, 200]);
  t.deepEqual(await one.dispatch(), { accepted: true });
  t.is(one.seen.length, 3);
  for (const { at: _at, ...rest } of one.seen)
    t.deepEqual(rest, {
      method: 'POST',
      url: '/v2/deliveries',
      key: 'o1:arrange-delivery:do',
      traceparent: '00-a-b-01',
    });
});

for (const [status, body, reason] of [
  [400, '{"reason":"not_deliverable"}', 'not_deliverable'],
  [400, '', 'warehouse_400'],
  [404, 'no json', 'warehouse_404'],
  [409, '{"reason":""}', 'warehouse_409'],
] as const) {
  test(`${status} with ${body.slice(0, 30) || 'nothing'}: one call, a refusal for the reason ${reason}`, async (t) => {
    const one = await answering(t, [status, 200], { body });
    t.deepEqual(await one.dispatch(), { accepted: false, reason });
    t.is(one.seen.length, 1);
  });
}

test('a refusal that is told at length is kept, its beginning as the reason', async (t) => {
  const one = await answering(t, [422, 200], { body: `{"reason":"${'x'.repeat(300)}"}` });
  t.deepEqual(await one.dispatch(), { accepted: false, reason: `${'x'.repeat(197)}…`, detail: 'x'.repeat(300) });
});

for (const passing of [500, 502, 503, 504, 507, 599, 408, 429, 'broken'] as const) {
  test(`${passing}, then 200: tried again, and done`, async (t) => {
    const one = await answering(t, [passing, 200]);
    t.deepEqual(await one.dispatch(), { accepted: true });
    t.is(one.seen.length, 2);
    t.is(new Set(one.seen.map(({ key }) => key)).size, 1);
  });
}

test.serial('a try without an answer is given up after its time, and made again', async (t) => {
  const one = await answering(t, ['silent', 200], { tries: { ...quick, tryMs: 250 } });
  const before = performance.now();
  t.deepEqual(await one.dispatch(), { accepted: true });
  t.is(one.seen.length, 2);
  t.true(performance.now() - before >= 249);
});

test('a 4xx after a 5xx is a refusal too', async (t) => {
  const one = await answering(t, [503, 400], { body: '{"reason":"not_deliverable"}' });
  t.deepEqual(await one.dispatch(), { accepted: false, reason: 'not_deliverable' });
  t.is(one.seen.length, 2);
});

for (const [jitter, random, wanted] of [
  ['least', LOW, [50, 100, 150, 150]],
  ['most', HIGH, [100, 200, 300, 300]],
] as const) {
  test.serial(`with the ${jitter} jitter, the waits grow as base x 2^n up to the cap`, async (t) => {
    const tries = { backoff: { baseMs: 100, capMs: 300 }, limit: 5, tryMs: 5000 };
    const { seen, dispatch } = await answering(t, [503], { tries, random: () => random });
    const asked = await timersOf(() => t.throwsAsync(dispatch(), { message: /503/ }));
    t.deepEqual(
      asked.filter((ms) => ms <= tries.backoff.capMs),
      [...wanted],
    );
    const waited = seen.slice(1).map(({ at }, index) => at - seen[index]!.at);
    t.log(`wanted ${wanted.join(', ')}, waited ${waited.map(Math.round).join(', ')}`);
    t.is(waited.length, wanted.length);
    t.true(waited.every((ms, index) => ms >= wanted[index]! - 2));
  });
}

/** For how long timers were set meanwhile, ms: on a busy machine the time that passed only says that it was not less. */
async function timersOf(run: () => Promise<unknown>): Promise<readonly number[]> {
  const asked: number[] = [];
  const real = globalThis.setTimeout;
  globalThis.setTimeout = ((callback: () => void, ms = 0) => {
    asked.push(ms);
    return real(callback, ms);
  }) as typeof setTimeout;
  try {
    await run();
  } finally {
    globalThis.setTimeout = real;
  }
  return asked;
}

test('the signal of a run ends its tries, in the middle of one and between two', async (t) => {
  for (const script of ['silent', 503] as const) {
    const over = new AbortController();
    const tries = { backoff: { baseMs: 3000, capMs: 3000 }, limit: 2, tryMs: 3000 };
    const answer: RequestListener = (_request, response) => {
      if (script === 503) response.writeHead(script).end();
      setTimeout(() => over.abort(new Error('the run is over')), 50);
    };
    const one = await answering(t, [answer], { tries });
    await t.throwsAsync(one.dispatch(over.signal), { message: 'the run is over' });
    t.is(one.seen.length, 1);
  }
});

for (const ttlMs of [400, 2000, 10_000, 60_000]) {
  test(`with a TTL of ${ttlMs} ms the waits of a run fit half the effect's limit, and a try half of it`, (t) => {
    const { effectMs } = limitsFor(ttlMs);
    const { backoff, limit, tryMs } = triesWithin(effectMs);
    let waits = 0;
    for (let attempt = 1; attempt < limit; attempt += 1) waits += backoffMs(backoff, attempt, () => HIGH);
    t.true(waits <= effectMs / 2, `${waits} of ${effectMs}`);
    t.true(tryMs <= effectMs / 2);
    t.true(limit >= 3);
  });
}

test('a cancellation is tried again as well, and done when there is no such delivery', async (t) => {
  const one = await answering(t, [503, 'broken', 404]);
  await one.cancel();
  t.deepEqual(
    one.seen.map(({ method, url, key }) => `${method} ${url} ${key}`),
    Array.from({ length: 3 }, () => 'DELETE /v2/deliveries/dlv-o1 o1:arrange-delivery:do'),
  );
});

test('a refused cancellation is an error, because none may be refused', async (t) => {
  const one = await answering(t, [409]);
  await t.throwsAsync(one.cancel(), { message: /409/ });
});

test('a redirection is not followed', async (t) => {
  const one = await answering(t, [302]);
  await t.throwsAsync(one.dispatch());
  t.false(one.seen.some(({ url }) => url === '/elsewhere'));
});
