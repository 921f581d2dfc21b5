import test from 'ava';
import { watchRoute } from '#test/support/detection.ts';
import { p95, shownTimes } from '#test/support/held-up.ts';
import { createShop, type Shop } from '#test/support/place.ts';
import { startStack, type TestStack } from '#test/support/stack.ts';
import { until } from '#test/support/until.ts';

const TTL_MS = 2000;
const HEARTBEAT_MS = 5000;
const TIMES = {
  MESSAGE_TTL_MS: String(TTL_MS),
  GATE_DELAY_MS: '500',
  GATE_CYCLE_MS: '3000',
  STEP_DEADLINE_MS: '90000',
  SAGA_DEADLINE_MS: '180000',
  RESEND_BASE_MS: '1000',
};

let stack: TestStack;
let shop: Shop;
let route: ReturnType<typeof watchRoute>;

test.before(async () => {
  stack = await startStack({
    apart: ['saga', 'payment', 'circuit-breaker'],
    env: TIMES,
    ownBroker: true,
    ownDatabase: true,
  });
  shop = createShop(stack);
  route = watchRoute(shop, stack, 'payment');
  await shop.topUp('erin', 1_000_000);
});
test.after.always(async () => stack?.stop());

const cases: readonly {
  readonly what: string;
  readonly boundMs: number;
  breakIt(): Promise<void>;
  mend(): Promise<void>;
}[] = [
  {
    what: 'a consumer that is not there',
    boundMs: TTL_MS + 1000,
    breakIt: () => stack.process('payment').stop(),
    mend: async () => stack.process('payment').start(),
  },
  {
    what: 'a service that does not consume',
    boundMs: TTL_MS + 1000,
    breakIt: () => shop.fault('payment', { pauseConsuming: true }),
    mend: () => shop.fault('payment', {}),
  },
  {
    what: 'a frozen process',
    boundMs: 3 * HEARTBEAT_MS + TTL_MS + 1000,
    breakIt: async () => stack.kill('payment', 'SIGSTOP'),
    mend: async () => stack.kill('payment', 'SIGCONT'),
  },
];

for (const { what, boundMs, breakIt, mend } of cases) {
  test.serial(`${what} is seen in time, and its order ends`, async (t) => {
    await route.reaches('closed');
    await breakIt();
    const seen = route.watch();
    const orderId = await shop.place({ customerId: 'erin' });
    const took = [await seen([orderId], 'create-payment')];
    await mend();
    await route.reaches('closed');
    t.is((await shop.ended(orderId)).order.status, 'completed');
    const line = `${what}: seen after ${shownTimes(took)} ms (bound ${boundMs} ms)`;
    t.log(line);
    t.true(p95(took) <= boundMs, line);
  });
}

test.serial('one slow order trips nothing', async (t) => {
  await route.reaches('closed');
  const before = (await route.view()).generation;
  const start = Date.now();
  const slow = await shop.place({ customerId: 'erin', paymentMethod: 'pm_timeout' });
  const others = [];
  for (let n = 0; n < 5; n += 1) others.push(await shop.place({ customerId: 'erin' }));
  for (const orderId of others) t.is((await shop.ended(orderId)).order.status, 'completed');
  await until('three TTLs are over', route.view, (now) => Date.parse(now.reportedAt) > start + 3 * TTL_MS);
  await shop.waitingFor(slow, 'authorize-payment');
  t.is((await route.view()).generation, before);
});

test.serial('a restarted broker still has the gate as it was', async (t) => {
  for (const state of ['half_open', 'open'] as const) {
    const force = () => stack.api.put('/v1/breakers/payment/override', { state, expiresInMs: 600_000 });
    await until(`the breaker takes the override to ${state}`, force, ({ status }) => status === 200);
    await route.reaches(state);
    const { generation } = await route.view();
    const killedAt = Date.now();
    const lives = stack.process('broker').restarts();
    stack.kill('broker', 'SIGTERM');
    await until('the broker runs again', () => stack.process('broker').restarts() > lives, Boolean, {
      limitMs: 90_000,
    });
    await stack.ready(90_000);
    const after = await until(
      'the breaker speaks again',
      route.view,
      ({ stale, reportedAt }) => !stale && Date.parse(reportedAt) > killedAt,
    );
    t.is(after.state, state);
    t.is(after.generation, generation);
  }
});
