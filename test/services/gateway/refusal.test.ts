import test from 'ava';
import { aBreaker, anOpen, aSnapshot } from '#test/services/console/breaker-world.ts';
import { placedOrder, startWorld, type World } from './world.ts';
import { PublishError } from '#shared/errors.ts';
import { systemClock } from '#shared/clock.ts';
import { p95, shownTimes, stopwatch, type Took } from '#test/support/held-up.ts';

/** `open` makes the routes open in what the gateway knows, each for another `leftMs`. */
async function inWorld(
  run: (
    world: World & { open(leftMs: number, ...routes: string[]): void; close(...routes: string[]): void },
    refused: readonly string[],
  ) => Promise<void>,
): Promise<void> {
  const refused: string[] = [];
  const world = await startWorld({ onRefused: (route, by) => refused.push(`${route} by the ${by}`) });
  const now = (): number => world.clock.now();
  let generation = 1;
  try {
    await run(
      {
        ...world,
        open: (leftMs, ...routes) =>
          world.board.take(
            aSnapshot(
              routes.map((route) => anOpen(route, now(), leftMs, { generation: (generation += 1) })),
              now(),
            ),
          ),
        close: (...routes) =>
          world.board.take(
            aSnapshot(
              routes.map((route) => aBreaker(route, { generation: (generation += 1) })),
              now(),
            ),
          ),
      },
      refused,
    );
  } finally {
    await world.stop();
  }
}

for (const route of ['order', 'saga', 'payment', 'wallet']) {
  test(`an order is refused before anything is stored while ${route} is open, and its key is not burnt`, (t) =>
    inWorld(async ({ order, open, close, bus, requests }, refused) => {
      open(2300, route);
      const headers = { 'idempotency-key': 'k' };
      const reply = await order({ headers });
      t.is(reply.status, 503);
      t.like(reply.body, { type: '/problems/breaker-open', route, state: 'open' });
      const { retryAfterMs } = reply.body;
      t.true(Number(retryAfterMs) > 0 && Number(retryAfterMs) <= 2300, String(retryAfterMs));
      t.is(reply.headers.get('retry-after'), String(Math.ceil(Number(retryAfterMs) / 1000)));
      t.deepEqual(bus.published, []);
      t.deepEqual(requests.all(), []);
      t.deepEqual(refused, [`${route} by the gateway`]);

      close(route);
      const second = await order({ headers });
      t.is(second.status, 202);
      t.is(second.headers.get('idempotency-replayed'), null);
    }));
}

test('a refusal takes less than 50 ms', (t) =>
  inWorld(async ({ order, open }) => {
    const took: Took[] = [];
    for (let n = 0; n < 40; n += 1) {
      open(2000, 'payment');
      const stop = stopwatch();
      t.is((await order({ headers: { 'idempotency-key': `k${n}` } })).status, 503);
      took.push(stop());
    }
    t.true(p95(took) < 50, shownTimes(took));
  }));

test('an order does not need the route of what comes after its capture', (t) =>
  inWorld(async ({ order, open }) => {
    open(2000, 'notify');
    t.is((await order()).status, 202);
  }));

test('a top-up needs the wallet, a cancellation the saga, and nothing else', (t) =>
  inWorld(async ({ call, open, orders, requests }) => {
    orders.set('o1', placedOrder('o1', 'alice'));
    const topUp = () =>
      call('POST', '/v1/wallets/alice/top-ups', { as: 'ops', role: 'operator', body: { amount: 1, currency: 'EUR' } });
    const cancel = () => call('POST', '/v1/orders/o1/cancel', { as: 'alice' });
    open(2000, 'wallet');
    t.like((await topUp()).body, { type: '/problems/breaker-open', route: 'wallet' });
    t.deepEqual(requests.all(), []);
    t.is((await cancel()).status, 202);
  }));

test('a cancellation is refused while the saga is open', (t) =>
  inWorld(async ({ call, open, orders, requests }) => {
    orders.set('o1', placedOrder('o1', 'alice'));
    open(2000, 'saga', 'payment', 'order');
    const cancelled = await call('POST', '/v1/orders/o1/cancel', { as: 'alice' });
    t.like(cancelled.body, { type: '/problems/breaker-open', route: 'saga' });
    t.deepEqual(requests.all(), []);
    const body = { amount: 1, currency: 'EUR' };
    t.is((await call('POST', '/v1/wallets/alice/top-ups', { as: 'ops', role: 'operator', body })).status, 202);
  }));

test('a request that was accepted before keeps its answer while the route is open', (t) =>
  inWorld(async ({ order, open, bus }) => {
    const headers = { 'idempotency-key': 'k' };
    const first = await order({ headers });
    open(2000, 'payment');
    const again = await order({ headers });
    t.is(again.status, 202);
    t.is(again.headers.get('idempotency-replayed'), 'true');
    t.deepEqual(again.body, first.body);
    t.is((await order({ headers: { 'idempotency-key': 'other' } })).status, 503);
    t.is(bus.published.length, 1);
  }));

test('bad input and strangers are told so also while the route is open', (t) =>
  inWorld(async ({ order, open }) => {
    open(2000, 'order');
    t.is((await order({ body: {} })).status, 400);
    t.is((await order({ as: 'bob' })).status, 403);
  }));

for (const [when, newsMs, laterMs] of [
  ['before the news', undefined, 4000],
  ['while the news come', 2900, undefined],
] as const) {
  test(`a return from the broker ${when} is the same answer as after them, and leaves nothing behind`, (t) =>
    inWorld(async ({ order, open, close, bus, requests }, refused) => {
      close('order');
      const headers = { 'idempotency-key': 'k' };
      bus.behave(async (exchange) => {
        if (newsMs !== undefined) open(newsMs, 'order');
        throw new PublishError('returned', exchange, 'as told');
      });
      const raced = await order({ headers });
      if (laterMs !== undefined) open(laterMs, 'order');
      const known = await order({ headers });
      const strip = ({ traceId: _, retryAfterMs, ...body }: Readonly<Record<string, unknown>>) => ({
        ...body,
        rounded: Math.ceil(Number(retryAfterMs) / 1000),
      });
      t.is(raced.status, 503);
      t.deepEqual(strip(raced.body), strip(known.body));
      t.is(raced.headers.get('retry-after'), known.headers.get('retry-after'));
      t.deepEqual(requests.all(), []);
      t.deepEqual(refused, ['order by the broker', 'order by the gateway']);
      bus.recover();
      close('order');
      t.is((await order({ headers })).status, 202);
    }));
}

test('a stale snapshot leaves the decision to the broker', async (t) => {
  const virtual = { ahead: 0 };
  const clock = { ...systemClock, now: () => Date.now() + virtual.ahead };
  const world = await startWorld({ clock });
  t.teardown(world.stop);
  world.board.take(aSnapshot([anOpen('payment', clock.now(), 60_000)], clock.now()));
  t.is((await world.order()).status, 503);
  virtual.ahead = 3100;
  t.is((await world.order()).status, 202);
});
