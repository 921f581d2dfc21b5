import test from 'ava';
import { at, inWorld, opened, operator } from './asked-breaker-world.ts';
import { aBreaker } from './breaker-world.ts';
import { parkedShape } from '#services/console/breaker-shape.ts';
import { listOf } from '#shared/web/shapes.ts';
import { routeTable } from '#services/services.ts';
import { until } from '#test/support/until.ts';

test('an override is asked of the acting breaker and answered when it was applied', (t) =>
  inWorld(
    async ({ call, asked }) => {
      const body = { state: 'open', expiresInMs: 9000, reason: 'the provider is upgraded' };
      const forced = await call('PUT', '/v1/breakers/payment/override', { ...operator, body });
      t.is(forced.status, 200, forced.text);
      t.like(forced.body, { route: 'payment', state: 'open', override: { until: '2026-01-02T03:04:14.678Z' } });
      const ended = await call('DELETE', '/v1/breakers/payment/override', operator);
      t.is(ended.status, 200);
      t.like(ended.body, { route: 'payment', state: 'closed' });
      t.like(asked[0], { kind: 'override', route: 'payment', ...body, by: 'root' });
      t.like(asked[1], { kind: 'clear-override', route: 'payment' });
      t.not(asked[0]?.id, asked[1]?.id);
    },
    ({ id, kind }) => ({ id, ok: true, breaker: kind === 'override' ? opened : aBreaker('payment') }),
  ));

test('answers reach who asked, also when several ask at once', (t) =>
  inWorld(
    async ({ call }) => {
      const body = { state: 'half_open', expiresInMs: 1000 };
      const replies = await Promise.all(
        routeTable.routes.map((route) => call('PUT', `/v1/breakers/${route}/override`, { ...operator, body })),
      );
      t.deepEqual(
        replies.map((reply) => reply.body['route']),
        [...routeTable.routes],
      );
    },
    (request) => ({ id: request.id, ok: true, breaker: aBreaker(('route' in request && request.route) || '') }),
  ));

test('what the breaker could not do is a problem with its reason', (t) =>
  inWorld(
    async ({ call }) => {
      const reply = await call('DELETE', '/v1/breakers/payment/override', operator);
      t.is(reply.status, 503);
      t.like(reply.body, { type: '/problems/dependency-unavailable', dependency: 'circuit-breaker' });
      t.regex(String(reply.body['detail']), /does not act any more/);
    },
    ({ id }) => ({ id, ok: false, problem: 'this breaker does not act any more' }),
  ));

const wrong = [
  {},
  { state: 'open' },
  { expiresInMs: 1000 },
  { state: 'ajar', expiresInMs: 1000 },
  { state: 'IsOpen', expiresInMs: 1000 },
  { state: 'open', expiresInMs: 0 },
  { state: 'open', expiresInMs: -1 },
  { state: 'open', expiresInMs: 1.5 },
  { state: 'open', expiresInMs: '1000' },
  { state: 'open', expiresInMs: 1e12 },
  { state: 'open', expiresInMs: null },
  { state: 'open', expiresInMs: 1000, route: 'order' },
  [],
  null,
];
for (const body of wrong) {
  test(`the override ${JSON.stringify(body)} is refused by name of its field, and nobody is asked`, (t) =>
    inWorld(
      async ({ call, asked }) => {
        const reply = await call('PUT', '/v1/breakers/payment/override', { ...operator, body });
        t.is(reply.status, 400);
        t.is(reply.body['type'], '/problems/validation');
        t.true((reply.body['errors'] as object[]).length > 0);
        t.deepEqual(asked, []);
      },
      ({ id }) => ({ id, ok: true }),
    ));
}

const askedOfTheBreaker = [
  ['PUT', '/v1/breakers/payment/override', { body: { state: 'open', expiresInMs: 1000 } }],
  ['DELETE', '/v1/breakers/payment/override', {}],
  ['GET', '/v1/parked', {}],
] as const;

test('without a breaker, asking is 503, names it and says that nobody listens', (t) =>
  inWorld(async ({ call }) => {
    const replies = await Promise.all(
      askedOfTheBreaker.map(([method, path, extra]) => call(method, path, { ...operator, ...extra })),
    );
    for (const reply of replies) {
      t.is(reply.status, 503);
      t.is(reply.headers.get('retry-after'), '1');
      t.like(reply.body, { type: '/problems/dependency-unavailable', dependency: 'circuit-breaker' });
      t.regex(String(reply.body['detail']), /circuit breaker does not answer: nobody listens$/);
    }
  }));

test('a breaker that is just starting is asked again until it listens', (t) =>
  inWorld(async (world) => {
    const { call, lead } = world;
    const asking = askedOfTheBreaker.map(([method, path, extra]) => call(method, path, { ...operator, ...extra }));
    await until(
      'nobody listens to any of them',
      () => world.returned,
      (count) => count >= askedOfTheBreaker.length,
      { everyMs: 1 },
    );
    const { asked } = await lead(({ id }) => ({ id, ok: true, breaker: aBreaker('payment'), parked: [] }));
    for (const reply of await Promise.all(asking)) t.is(reply.status, 200, reply.text);
    t.is(asked.length, askedOfTheBreaker.length);
  }));

test('what changes nothing is asked again when no answer comes', async (t) => {
  const ids: string[] = [];
  await inWorld(
    async ({ call }) => {
      t.is((await call('GET', '/v1/parked', operator)).status, 200);
      t.is(ids.length, 3);
      t.is(new Set(ids).size, 1);
    },
    ({ id }) => (ids.push(id) < 3 ? undefined : { id, ok: true, parked: [] }),
  );
});

test('a breaker that stays silent is told from one that does not listen', (t) =>
  inWorld(
    async ({ call }) => {
      const reply = await call('GET', '/v1/parked', operator);
      t.is(reply.status, 503);
      t.is(reply.body['detail'], 'the circuit breaker does not answer: no answer within 3000 ms');
    },
    () => undefined,
  ));

test('an override that nobody answers may still happen, and the problem says so', (t) =>
  inWorld(
    async ({ call, asked }) => {
      const body = { state: 'open', expiresInMs: 1000 };
      const reply = await call('PUT', '/v1/breakers/payment/override', { ...operator, body });
      t.is(reply.status, 503);
      t.regex(String(reply.body['detail']), /may still happen/);
      t.is(asked.length, 1);
    },
    () => undefined,
  ));

test('what is parked is listed with its times, filtered and limited by the breaker', (t) =>
  inWorld(
    async ({ call, asked }) => {
      const reply = await call('GET', '/v1/parked?route=wallet&limit=7', operator);
      t.is(reply.status, 200);
      t.notThrows(() => listOf(parkedShape).parse(reply.body));
      t.deepEqual((reply.body['items'] as object[])[0], {
        route: 'wallet',
        messageId: 'o1:hold:do',
        type: 'wallet.hold',
        key: 'alice',
        correlationId: 'o1',
        firstExpiredAt: '2026-01-02T03:04:05.678Z',
        lastExpiredAt: '2026-01-02T03:04:06.678Z',
        expiries: 2,
        redriven: 1,
      });
      t.like(asked[0], { kind: 'parked', route: 'wallet', limit: 7 });
      t.is((await call('GET', '/v1/parked', operator)).status, 200);
      t.like(asked[1], { kind: 'parked', limit: 100 });
      t.false('route' in (asked[1] ?? {}));
    },
    ({ id }) => ({
      id,
      ok: true,
      parked: [
        {
          route: 'wallet',
          messageId: 'o1:hold:do',
          type: 'wallet.hold',
          key: 'alice',
          correlationId: 'o1',
          firstExpiredAt: at,
          lastExpiredAt: at + 1000,
          expiries: 2,
          redriven: 1,
        },
      ],
    }),
  ));

test('what is parked comes in pages, each asked of the breaker with where the one before ended', (t) =>
  inWorld(
    async ({ call, asked }) => {
      const first = await call('GET', '/v1/parked?route=wallet&limit=500', operator);
      t.notThrows(() => listOf(parkedShape).parse(first.body));
      const next = String(first.body['nextCursor']);
      const second = await call('GET', `/v1/parked?route=wallet&limit=500&cursor=${next}`, operator);
      t.is(second.status, 200);
      t.false('nextCursor' in second.body);
      t.like(asked[1], { kind: 'parked', route: 'wallet', limit: 500, cursor: '5 wallet o1:hold:do' });
      for (const wrong of [`/v1/parked?cursor=${next}`, '/v1/parked?route=wallet&cursor=abc']) {
        const reply = await call('GET', wrong, operator);
        t.is(reply.status, 400);
        t.like((reply.body['errors'] as object[])[0], { pointer: '/cursor', in: 'query' });
      }
      t.is(asked.length, 2);
    },
    (request) => ({
      id: request.id,
      ok: true,
      parked: [],
      ...('cursor' in request ? {} : { nextCursor: '5 wallet o1:hold:do' }),
    }),
  ));
