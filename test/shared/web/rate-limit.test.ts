import test from 'ava';
import { keys, startWorld, type World } from '#test/services/gateway/world.ts';
import { addressOf } from '#shared/web/authentication.ts';
import { createRateLimit } from '#shared/web/rate-limit.ts';
import { signToken } from '#shared/web/tokens.ts';
import { clockFrom, systemClock } from '#shared/clock.ts';

/** Real timers, but a time of day that only the test moves on. */
function stoppedClock() {
  let now = Date.now();
  const clock = clockFrom({ ...systemClock, now: () => now });
  return { clock, pass: (ms: number) => void (now += ms) };
}

async function inWorld(
  settings: object,
  run: (world: World, pass: (ms: number) => void) => Promise<void>,
): Promise<void> {
  const { clock, pass } = stoppedClock();
  const world = await startWorld({ clock, settings });
  try {
    await run(world, pass);
  } finally {
    await world.stop();
  }
}

test('a caller gets its burst, then one for each interval, and is told how long it takes', (t) => {
  const { clock, pass } = stoppedClock();
  const limit = createRateLimit({ clock, perS: 10, burst: 3 });
  t.deepEqual([limit.take('a'), limit.take('a'), limit.take('a')], [0, 0, 0]);
  t.is(limit.take('a'), 100);
  pass(40);
  t.is(limit.take('a'), 60, 'a refused one costs nothing');
  t.is(limit.take('b'), 0, 'others are not concerned');
  pass(60);
  t.deepEqual([limit.take('a'), limit.take('a')], [0, 100]);
  pass(3_600_000);
  t.deepEqual([limit.take('a'), limit.take('a'), limit.take('a'), limit.take('a')], [0, 0, 0, 100]);
});

test('without a rate nobody is limited or remembered; a clock that goes back gives and takes nothing', (t) => {
  const { clock, pass } = stoppedClock();
  const none = createRateLimit({ clock, perS: 0, burst: 1 });
  t.true(Array.from({ length: 10 }, () => none.take('a')).every((wait) => wait === 0));
  t.is(none.callers, 0);
  const limit = createRateLimit({ clock, perS: 1, burst: 2 });
  limit.take('a');
  pass(-60_000);
  t.deepEqual([limit.take('a'), limit.take('a')], [0, 1000]);
});

test('however many callers come, only so many are remembered, and who was not seen for longest goes first', (t) => {
  const { clock } = stoppedClock();
  const limit = createRateLimit({ clock, perS: 1, burst: 1, maxCallers: 100 });
  limit.take('first');
  for (let n = 0; n < 99; n += 1) limit.take(`c${n}`);
  t.is(limit.waitMs('first'), 1000);
  for (let n = 99; n < 100_000; n += 1) limit.take(`c${n}`);
  t.is(limit.callers, 100);
  t.is(limit.waitMs('first'), 0);
  t.is(limit.waitMs('c99999'), 1000);
});

test('a customer over its limit is told when to come back; nothing is done, and others go on', (t) =>
  inWorld({ customerPerS: 0.5, customerBurst: 2 }, async ({ call, order, requests, bus }, pass) => {
    const headers = { 'idempotency-key': 'k' };
    t.is((await call('GET', '/v1/orders', { as: 'alice' })).status, 200);
    t.is((await call('GET', '/v1/orders?limit=none', { as: 'alice' })).status, 400, 'what is not valid counts as well');
    const refused = await order({ headers });
    t.is(refused.status, 429);
    t.like(refused.body, { type: '/problems/too-many-requests', retryAfterMs: 2000 });
    t.is(refused.headers.get('retry-after'), '2');
    t.deepEqual([requests.all(), bus.published], [[], []]);
    t.is((await call('GET', '/v1/orders', { as: 'bob' })).status, 200);
    for (let n = 0; n < 20; n += 1)
      t.is((await call('GET', '/v1/orders', { as: 'ops', role: 'operator' })).status, 200);
    pass(2000);
    t.is((await order({ headers })).status, 202, 'the key is not burnt');
  }));

test('a new token of the same customer does not help', (t) =>
  inWorld({ customerPerS: 1, customerBurst: 3 }, async ({ call }, pass) => {
    const statuses: number[] = [];
    for (let n = 0; n < 5; n += 1) {
      statuses.push((await call('GET', '/v1/orders', { as: 'alice' })).status);
      pass(1); // another time of issue
    }
    t.deepEqual(statuses, [200, 200, 200, 429, 429]);
  }));

test('who tries tokens is stopped by address; who was let in before is not locked out, and after a while nobody is', (t) =>
  inWorld({ failuresPerS: 1, failuresBurst: 3 }, async ({ call }, pass) => {
    const known = { token: await signToken({ subject: 'alice', role: 'customer', expiresInS: 60 }, keys) };
    t.is((await call('GET', '/v1/orders', known)).status, 200);
    const tried = [];
    for (let n = 0; n < 5; n += 1) tried.push(await call('GET', '/v1/orders', n % 2 ? { token: `x${n}` } : {}));
    t.deepEqual(
      tried.map(({ status }) => status),
      [401, 401, 401, 429, 429],
    );
    t.is(tried[4]?.headers.get('retry-after'), '1');
    t.is(tried[4]?.body['type'], '/problems/too-many-requests');
    t.is((await call('GET', '/v1/orders', known)).status, 200, 'the same token again');
    t.is((await call('GET', '/v1/orders', { as: 'bob' })).status, 429, 'no signature is checked now');
    t.is((await call('GET', '/problems/validation')).status, 200, 'documents are for everyone');
    pass(1000);
    t.is((await call('GET', '/v1/orders', { as: 'bob' })).status, 200);
  }));

for (const [remote, same] of [
  ['::ffff:192.0.2.7', '192.0.2.7'],
  ['192.0.2.7', '192.0.2.7'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['2001:db8:1:2::9', '2001:db8:1:2::/64'],
  ['2001:db8::1', '2001:db8:0:0::/64'],
  ['::1', '0:0:0:0::/64'],
  ['', ''],
] as const) {
  test(`the address ${JSON.stringify(remote)} counts as ${JSON.stringify(same)}`, (t) => t.is(addressOf(remote), same));
}
