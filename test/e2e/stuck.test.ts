import test from 'ava';
import type { Breaker } from '#services/circuit-breaker/contract.ts';
import { createShop, type Shop } from '#test/support/place.ts';
import { startStack, type TestStack } from '#test/support/stack.ts';
import { tail, until } from '#test/support/until.ts';

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

test.before(async () => {
  stack = await startStack({ env: TIMES, ownDatabase: true });
  shop = createShop(stack);
  await shop.topUp('erin', 1_000_000);
});
test.after.always(async () => stack?.stop());

/** Waits until the payment route is as wanted; gives the ms that it took. */
async function reaches(state: Breaker['state'], limitMs = 60_000): Promise<number> {
  const start = performance.now();
  await until(
    `payment is ${state}`,
    async () => (await shop.read<Breaker>('/v1/breakers/payment').catch(() => undefined))?.state,
    (now) => now === state,
    { limitMs, everyMs: 20, show: () => tail(stack.logs(), 'payment') },
  );
  return performance.now() - start;
}

test.serial('a provider that never answers is seen in time; when it works again, every order ends', async (t) => {
  await reaches('closed');
  stack.kill('provider', 'SIGSTOP');
  const orders = await Promise.all(Array.from({ length: 5 }, () => shop.place({ customerId: 'erin' })));
  const tookMs = await reaches('half_open', 4 * BOUND_MS);
  stack.kill('provider', 'SIGCONT');
  t.log(`a hanging effect: seen after ${tookMs.toFixed(0)} ms (bound ${BOUND_MS} ms)`);
  t.true(tookMs <= BOUND_MS, `${tookMs} ms`);
  await reaches('closed');
  for (const orderId of orders) t.is((await shop.ended(orderId)).order.status, 'completed');
});

test.serial('a handler that hangs, whatever it handles, is seen in time', async (t) => {
  await reaches('closed');
  await stack.api.put('/v1/faults/payment', { latencyMs: 600_000 });
  const orders = await Promise.all(Array.from({ length: 5 }, () => shop.place({ customerId: 'erin' })));
  const tookMs = await reaches('half_open', 4 * BOUND_MS);
  await stack.api.put('/v1/faults/payment', {});
  t.log(`a hanging handler: seen after ${tookMs.toFixed(0)} ms (bound ${BOUND_MS} ms)`);
  t.true(tookMs <= BOUND_MS, `${tookMs} ms`);
  await reaches('closed');
  for (const orderId of orders) t.is((await shop.ended(orderId)).order.status, 'completed');
});

test.serial('a stopped database is seen by the breaker, which needs none; afterwards every order ends', async (t) => {
  await reaches('closed');
  await stack.api.put('/v1/faults/payment', { pauseConsuming: true });
  const orders = await Promise.all(Array.from({ length: 3 }, () => shop.place({ customerId: 'erin' })));
  await until(
    'the payment is asked for',
    () => shop.timeline(orders[0] ?? ''),
    (timeline) => timeline.waitingFor?.step === 'create-payment',
  );
  stack.kill('database', 'SIGSTOP');
  await stack.api.put('/v1/faults/payment', {});
  const tookMs = await reaches('half_open', 4 * BOUND_MS);
  t.log(`a stopped database: seen after ${tookMs.toFixed(0)} ms (bound ${BOUND_MS} ms)`);
  t.true(tookMs <= BOUND_MS, `${tookMs} ms`);
  stack.kill('database', 'SIGCONT');
  await reaches('closed');
  for (const orderId of orders) t.is((await shop.ended(orderId)).order.status, 'completed');
});
