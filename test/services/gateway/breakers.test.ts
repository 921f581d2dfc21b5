import test from 'ava';
import { aBreaker, aSnapshot, broadcast, startLeader, startListening } from './breaker-world.ts';
import type { BreakerReply, BreakerRequest } from '#services/circuit-breaker/contract.ts';
import * as shapes from '#services/gateway/shapes.ts';
import { routeTable } from '#services/routes.ts';
import { createMemoryBroker } from '#shared/bus/memory.ts';
import { topologyOf } from '#shared/bus/topology.ts';
import { systemClock as clock } from '#shared/clock.ts';
import { until } from '#test/support/until.ts';

const operator = { as: 'root', role: 'operator' } as const;

async function inWorld(
  run: (world: Awaited<ReturnType<typeof setUp>>) => Promise<void>,
  answer?: (request: BreakerRequest) => BreakerReply | undefined,
  options?: Parameters<typeof startListening>[1],
): Promise<void> {
  const world = await setUp(answer, options);
  try {
    await run(world);
  } finally {
    await world.stop();
  }
}

/** Without `answer` no breaker runs. */
async function setUp(
  answer?: (request: BreakerRequest) => BreakerReply | undefined,
  options?: Parameters<typeof startListening>[1],
) {
  const broker = createMemoryBroker({ clock });
  broker.apply(topologyOf(routeTable, { ttlMs: 10_000, delayMs: 2000 }, 'test'));
  const bus = broker.connect('gateway');
  const breaker = broker.connect('circuit-breaker');
  const leader = answer && (await startLeader(breaker, answer));
  let returned = 0;
  const counting: Pick<typeof bus, 'publish'> = {
    publish: (...message) =>
      bus.publish(...message).catch((error: unknown) => {
        returned += 1;
        throw error;
      }),
  };
  const world = await startListening({ ...bus, ...counting }, options);
  return {
    ...world,
    get returned() {
      return returned;
    },
    asked: leader?.asked ?? [],
    lead: (answers: NonNullable<typeof answer>) => startLeader(breaker, answers),
    async report(...breakers: ReturnType<typeof aBreaker>[]) {
      await broadcast(breaker, aSnapshot(breakers, clock.now()));
      await until(
        'the gateway knows',
        () => world.board.all(),
        (all) => all.length >= breakers.length,
        { everyMs: 1 },
      );
    },
    async stop() {
      await world.stop();
      await Promise.all([bus.close(), breaker.close()]);
      broker.close();
    },
  };
}

const at = Date.UTC(2026, 0, 2, 3, 4, 5, 678);
const opened = aBreaker('payment', {
  state: 'open',
  cycle: 7,
  expired: 2,
  generation: 9,
  since: at,
  cycleEndsAt: at + 4000,
  override: { state: 'open', until: at + 9000 },
  transitions: [{ from: 'half_open', to: 'open', at, cycle: 7, expired: 31, cause: '3 bad cycles in a row' }],
  parked: 4,
});

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
    t.notThrows(() => shapes.breaker.parse(body));
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
    t.notThrows(() => shapes.breakers.parse(all.body));
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

test('an override is asked of the acting breaker and answered when it was applied', (t) =>
  inWorld(
    async ({ call, asked }) => {
      const body = { state: 'open', expiresInMs: 9000 };
      const forced = await call('PUT', '/v1/breakers/payment/override', { ...operator, body });
      t.is(forced.status, 200, forced.text);
      t.like(forced.body, { route: 'payment', state: 'open', override: { until: '2026-01-02T03:04:14.678Z' } });
      const ended = await call('DELETE', '/v1/breakers/payment/override', operator);
      t.is(ended.status, 200);
      t.like(ended.body, { route: 'payment', state: 'closed' });
      t.like(asked[0], { kind: 'override', route: 'payment', ...body });
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
      t.notThrows(() => shapes.parked.parse(reply.body));
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
      t.notThrows(() => shapes.parked.parse(first.body));
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
  const views = {
    breakers: {
      async transitions(route: string, query: object) {
        asked.push({ route, ...query });
        return 'cursor' in query ? { items: [] } : { items: [one], nextCursor: '5-3' };
      },
    },
  };
  return inWorld(
    async ({ call }) => {
      const first = await call('GET', '/v1/breakers/wallet/transitions', operator);
      t.is(first.status, 200, first.text);
      t.notThrows(() => shapes.transitions.parse(first.body));
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
    { views },
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
