import test from 'ava';
import { inWorld, opened, operator } from './asked-breaker-world.ts';
import { aBreaker } from './breaker-world.ts';
import { breakerShape, transitionShape } from '#services/console/breaker-shape.ts';
import { listOf } from '#shared/web/shapes.ts';
import { until } from '#test/support/until.ts';

test('before any breaker has reported, the endpoints say so', (t) =>
  inWorld(async ({ call }) => {
    for (const path of ['/v1/breakers', '/v1/breakers/payment']) {
      const reply = await call('GET', path, operator);
      t.is(reply.status, 503);
      t.like(reply.body, { type: '/problems/dependency-unavailable', dependency: 'circuit-breaker' });
      t.is(reply.headers.get('retry-after'), '1');
    }
  }));

test('a breaker is shown as it reports itself, with times as RFC 3339', (t) =>
  inWorld(async ({ call, report }) => {
    await report(aBreaker('order'), opened);
    const all = await call('GET', '/v1/breakers', operator);
    t.is(all.status, 200);
    const items = all.body['items'] as { route: string }[];
    t.deepEqual(
      items.map(({ route }) => route),
      ['order', 'payment'],
    );
    // A machine that takes seconds from the report to the answer is told that it is stale.
    const { body } = await until(
      'it is shown while it is fresh',
      async () => {
        await report(aBreaker('order'), opened);
        return call('GET', '/v1/breakers/payment', operator);
      },
      ({ body: shown }) => shown['stale'] === false,
    );
    t.notThrows(() => breakerShape.parse(body));
    t.like(body, {
      route: 'payment',
      state: 'open',
      cycle: 7,
      badCycles: 0,
      generation: 9,
      since: '2026-01-02T03:04:05.678Z',
      cycleEndsAt: '2026-01-02T03:04:09.678Z',
      policy: { ttlMs: 1000, delayMs: 500, cycleMs: 4000, badCycles: 3 },
      override: { state: 'open', until: '2026-01-02T03:04:14.678Z' },
      parked: 4,
      stale: false,
    });
    t.deepEqual(body['transitions'], [
      {
        from: 'half_open',
        to: 'open',
        at: '2026-01-02T03:04:05.678Z',
        cycle: 7,
        expired: 31,
        cause: '3 bad cycles in a row',
      },
    ]);
    const closed = items[0] ?? {};
    t.false('cycleEndsAt' in closed || 'override' in closed);
    t.notThrows(() => listOf(breakerShape).parse(all.body));
  }));

test('an unknown route is 404, whether or not a breaker has reported', (t) =>
  inWorld(async ({ call, report }) => {
    const body = { state: 'open', expiresInMs: 1000 };
    for (const route of ['nobody', 'toString', '%F0%9F%98%80']) {
      t.is((await call('GET', `/v1/breakers/${route}`, operator)).status, 404);
      t.is((await call('PUT', `/v1/breakers/${route}/override`, { ...operator, body })).status, 404);
      t.is((await call('DELETE', `/v1/breakers/${route}/override`, operator)).status, 404);
    }
    await report(opened);
    t.is((await call('GET', '/v1/breakers/nobody', operator)).status, 404);
  }));

test('the history of a route comes from the database, in pages, whether or not a breaker runs', (t) => {
  const asked: object[] = [];
  const one = {
    from: 'closed',
    to: 'open',
    at: '2026-01-02T03:04:05.678Z',
    cycle: 1,
    expired: 0,
    cause: 'forced',
    generation: 3,
  };
  async function transitions(route: string, query: object) {
    asked.push({ route, ...query });
    return 'cursor' in query ? { items: [] } : { items: [one], nextCursor: '5-3' };
  }
  return inWorld(
    async ({ call }) => {
      const first = await call('GET', '/v1/breakers/wallet/transitions', operator);
      t.is(first.status, 200, first.text);
      t.notThrows(() => listOf(transitionShape).parse(first.body));
      t.deepEqual(first.body['items'], [one]);
      const cursor = String(first.body['nextCursor']);
      t.deepEqual((await call('GET', `/v1/breakers/wallet/transitions?limit=7&cursor=${cursor}`, operator)).body, {
        items: [],
      });
      t.deepEqual(asked, [
        { route: 'wallet', limit: 20 },
        { route: 'wallet', limit: 7, cursor: '5-3' },
      ]);
      t.is((await call('GET', `/v1/breakers/order/transitions?cursor=${cursor}`, operator)).status, 400);
      t.is((await call('GET', '/v1/breakers/wallet/transitions?limit=101', operator)).status, 400);
      t.is((await call('GET', '/v1/breakers/nobody/transitions', operator)).status, 404);
      t.is((await call('GET', '/v1/breakers/wallet/transitions', { as: 'alice' })).status, 403);
    },
    undefined,
    { transitions },
  );
});

for (const query of ['route=nobody', 'limit=0', 'limit=501', 'limit=x', 'since=1', 'route=']) {
  test(`parked messages with ${query} are a validation problem`, (t) =>
    inWorld(async ({ call }) => {
      const reply = await call('GET', `/v1/parked?${query}`, operator);
      t.is(reply.status, 400);
      t.like((reply.body['errors'] as object[])[0], { pointer: `/${query.split('=')[0]}`, in: 'query' });
    }));
}

test('a broadcast that is no snapshot changes nothing', (t) =>
  inWorld(async ({ call, report }) => {
    await report(opened);
    await report({ ...opened, generation: 10, state: 'ajar' as never });
    await report(opened, aBreaker('order'));
    const { body } = await call('GET', '/v1/breakers/payment', operator);
    t.like(body, { state: 'open', generation: 9 });
  }));
