import test, { type ExecutionContext } from 'ava';
import { watchRoute } from '#test/support/detection.ts';
import { p95, shownTimes, stopwatch, type Took } from '#test/support/held-up.ts';
import { createShop, type Shop } from '#test/support/place.ts';
import { startStack, type TestStack } from '#test/support/stack.ts';

const TTL_MS = 2000;
/** The engine gives back what it cannot work on, and only what comes back can expire. */
const BOUND_MS = 2 * TTL_MS + 1000;
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
  stack = await startStack({ apart: ['saga', 'payment', 'circuit-breaker'], env: TIMES, ownDatabase: true });
  shop = createShop(stack);
  route = watchRoute(shop, stack, 'payment');
  await shop.topUp('erin', 1_000_000);
});
test.after.always(async () => stack?.stop());

/** Whoever waits for the one that hangs ends when it works again. */
async function allEnd(t: ExecutionContext, orders: readonly string[]): Promise<void> {
  await route.reaches('closed');
  for (const orderId of orders) t.is((await shop.ended(orderId)).order.status, 'completed');
}

const place = (count: number): Promise<readonly string[]> =>
  Promise.all(Array.from({ length: count }, () => shop.place({ customerId: 'erin' })));

async function isSeenInTime(t: ExecutionContext, what: string, measure: () => Promise<Took>): Promise<void> {
  const took = [await measure()];
  t.log(`${what}: seen after ${shownTimes(took)} ms (bound ${BOUND_MS} ms)`);
  t.true(p95(took) <= BOUND_MS, shownTimes(took));
}

test.serial('a provider that never answers is seen in time; when it works again, every order ends', (t) =>
  isSeenInTime(t, 'a hanging effect', async () => {
    await route.reaches('closed');
    stack.kill('provider', 'SIGSTOP');
    const seen = route.watch();
    const orders = await place(5);
    const took = await seen(orders, 'authorize-payment');
    stack.kill('provider', 'SIGCONT');
    await allEnd(t, orders);
    return took;
  }),
);

test.serial('a handler that hangs, whatever it handles, is seen in time', (t) =>
  isSeenInTime(t, 'a hanging handler', async () => {
    await route.reaches('closed');
    await shop.fault('payment', { latencyMs: 600_000 });
    const seen = route.watch();
    const orders = await place(5);
    const took = await seen(orders, 'create-payment');
    await shop.fault('payment', {});
    await allEnd(t, orders);
    return took;
  }),
);

test.serial('a stopped database is seen by the breaker, which needs none; afterwards every order ends', (t) =>
  isSeenInTime(t, 'a stopped database', async () => {
    await route.reaches('closed');
    await shop.fault('payment', { pauseConsuming: true });
    const orders = await place(3);
    await shop.waitingFor(orders[0] ?? '', 'create-payment');
    stack.kill('database', 'SIGSTOP');
    const stop = stopwatch([stack.process('payment').pid(), stack.process('circuit-breaker').pid()]);
    const stoppedAt = Date.now();
    await shop.fault('payment', {});
    const { since } = await route.reaches('half_open');
    const took = stop(Date.parse(since) - stoppedAt);
    stack.kill('database', 'SIGCONT');
    await allEnd(t, orders);
    return took;
  }),
);
