import test from 'ava';
import type { Breaker } from '#services/circuit-breaker/contract.ts';
import { createShop, type Shop } from '#test/support/place.ts';
import { startStack, type TestStack } from '#test/support/stack.ts';
import { tail, until } from '#test/support/until.ts';

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

test.before(async () => {
  stack = await startStack({ env: TIMES, ownBroker: true, ownDatabase: true });
  shop = createShop(stack);
  await shop.topUp('erin', 1_000_000);
});
test.after.always(async () => stack?.stop());

const breaker = () => shop.read<Breaker>('/v1/breakers/payment');

/** Waits until the gate of the payment route is as wanted; gives the ms that it took. */
async function reaches(state: Breaker['state'], limitMs = 60_000): Promise<number> {
  const start = performance.now();
  await until(
    `payment is ${state}`,
    async () => (await breaker().catch(() => undefined))?.state,
    (now) => now === state,
    {
      limitMs,
      everyMs: 50,
      show: () => tail(stack.logs(), 'circuit-breaker'),
    },
  );
  return performance.now() - start;
}

/** Breaks something, places an order, says how long the breaker took to see it, mends, and waits until all is well again. */
async function detected(what: string, boundMs: number, breakIt: () => Promise<void>, mend: () => Promise<void>) {
  await reaches('closed');
  await breakIt();
  const orderId = await shop.place({ customerId: 'erin' });
  const tookMs = await reaches('half_open');
  await mend();
  return { orderId, tookMs, line: `${what}: seen after ${tookMs.toFixed(0)} ms (bound ${boundMs} ms)` };
}

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
    breakIt: async () => void (await stack.api.put('/v1/faults/payment', { pauseConsuming: true })),
    mend: async () => void (await stack.api.put('/v1/faults/payment', {})),
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
    const { orderId, tookMs, line } = await detected(what, boundMs, breakIt, mend);
    t.log(line);
    t.true(tookMs <= boundMs, line);
    await reaches('closed');
    t.is((await shop.ended(orderId)).order.status, 'completed');
  });
}

test.serial('one slow order trips nothing', async (t) => {
  await reaches('closed');
  const before = (await breaker()).generation;
  const start = Date.now();
  const slow = await shop.place({ customerId: 'erin', paymentMethod: 'pm_timeout' });
  const others = [];
  for (let n = 0; n < 5; n += 1) others.push(await shop.place({ customerId: 'erin' }));
  for (const orderId of others) t.is((await shop.ended(orderId)).order.status, 'completed');
  type Reported = Breaker & { readonly reportedAt: string };
  await until(
    'three TTLs are over',
    () => shop.read<Reported>('/v1/breakers/payment'),
    (now) => Date.parse(now.reportedAt) > start + 3 * TTL_MS,
  );
  await shop.waitingFor(slow, 'authorize-payment');
  t.is((await breaker()).generation, before);
});

test.serial('a restarted broker still has the gate as it was', async (t) => {
  for (const state of ['half_open', 'open'] as const) {
    const force = () => stack.api.put('/v1/breakers/payment/override', { state, expiresInMs: 600_000 });
    await until(`the breaker takes the override to ${state}`, force, ({ status }) => status === 200);
    await reaches(state);
    const { generation } = await breaker();
    const killedAt = Date.now();
    const lives = stack.process('broker').restarts();
    stack.kill('broker', 'SIGTERM');
    await until('the broker runs again', () => stack.process('broker').restarts() > lives, Boolean, {
      limitMs: 90_000,
    });
    await stack.ready(90_000);
    const after = await until(
      'the breaker speaks again',
      () => shop.read<Breaker & { readonly reportedAt: string; readonly stale: boolean }>('/v1/breakers/payment'),
      ({ stale, reportedAt }) => !stale && Date.parse(reportedAt) > killedAt,
    );
    t.is(after.state, state);
    t.is(after.generation, generation);
  }
});
