/** What an order notices of the gates: CB-4 and CB-14 on a whole stack. */
import test from 'ava';
import { p95, shownTimes, stopwatch, type Took } from '#test/support/held-up.ts';
import { createShop, type Shop } from '#test/support/place.ts';
import { startStack, type TestStack } from '#test/support/stack.ts';
import { until } from '#test/support/until.ts';
import type { Timeline } from '#services/saga/view.ts';

const DELAY_MS = 1500;
const TIMES = {
  MESSAGE_TTL_MS: '2000',
  GATE_DELAY_MS: String(DELAY_MS),
  GATE_CYCLE_MS: '4000',
  STEP_DEADLINE_MS: '60000',
  SAGA_DEADLINE_MS: '120000',
  RESEND_BASE_MS: '1000',
};

let stack: TestStack;
let shop: Shop;

test.before(async () => {
  stack = await startStack({ apart: ['saga', 'wallet'], env: TIMES });
  shop = createShop(stack);
  await shop.topUp('erin', 100_000);
});
test.after.always(async () => stack?.stop());

async function force(route: string, state: string): Promise<void> {
  const ask = () => stack.api.put(`/v1/breakers/${route}/override`, { state, expiresInMs: 600_000 });
  await until(`${route} is forced ${state}`, ask, ({ status }) => status === 200);
}

test.serial(
  'while a route is half-open an order is accepted at once, and its step there takes the delay longer',
  async (t) => {
    await force('payment', 'half_open');
    const tookMs = ({ steps }: Timeline, name: string): number => {
      const { sentAt = '', answeredAt = '' } = steps.find((step) => step.name === name) ?? {};
      return Date.parse(answeredAt) - Date.parse(sentAt);
    };
    const undelayed: Took[] = [];
    for (let placed = 0; placed < 3; placed += 1) {
      const stop = stopwatch([stack.process('saga').pid(), stack.process('wallet').pid()]);
      const answer = await shop.request({ customerId: 'erin' });
      t.is(answer.status, 202);
      const { order, timeline } = await shop.ended(answer.body.id);
      t.is(order.status, 'completed');
      for (const step of ['create-payment', 'authorize-payment', 'settle-payment'])
        t.true(tookMs(timeline, step) >= DELAY_MS, `${step}: ${tookMs(timeline, step)} ms`);
      undelayed.push(stop(tookMs(timeline, 'hold-funds')));
    }
    t.true(p95(undelayed) < DELAY_MS, `hold-funds: ${shownTimes(undelayed)}`);
    await force('payment', 'closed');
  },
);

test.serial('an undo is not refused by an open route: it is kept, and done when the service is back', async (t) => {
  const before = await shop.wallet('erin');
  await shop.fault('payment', { crashAt: ['payment.authorize'] });
  const orderId = await shop.place({ customerId: 'erin', amount: 4200 });
  await shop.waitingFor(orderId, 'authorize-payment');
  t.is((await shop.wallet('erin')).held.amount, before.held.amount + 4200);
  await stack.process('wallet').stop();
  await force('wallet', 'open');
  // While it waits for the payment it can be cancelled.
  t.is((await shop.cancel(orderId)).status, 202);
  await shop.fault('payment', {});
  const undoOf = async () =>
    (await shop.timeline(orderId)).steps.find(({ name }) => name === 'hold-funds')?.undo?.state;
  await until('the release was sent', undoOf, (state) => state === 'undoing');
  const refused = await stack.api.post('/v1/wallets/erin/top-ups', { amount: 1, currency: 'EUR' });
  t.is(refused.status, 503, 'what is no undo is refused meanwhile');
  const isParked = ({ items }: { items: readonly { type: string; correlationId: string }[] }) =>
    items.some(({ type, correlationId }) => type === 'wallet.release' && correlationId === orderId);
  await until(
    'the release has expired and is parked',
    () => shop.read<Parameters<typeof isParked>[0]>('/v1/parked?route=wallet'),
    isParked,
  );
  stack.process('wallet').start();
  t.is((await shop.ended(orderId, 60_000)).order.status, 'cancelled');
  await until(
    'all is as before',
    () => shop.wallet('erin'),
    ({ held }) => held.amount === before.held.amount,
  );
  t.deepEqual(await shop.wallet('erin'), before);
});
