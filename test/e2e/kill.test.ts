import test from 'ava';
import { createShop, type Shop } from '#test/support/place.ts';
import { holdAll, readRest } from '#test/support/rest.ts';
import { SHORT_TIMES, startStack, type TestStack } from '#test/support/stack.ts';
import { createTraffic } from '#test/support/traffic.ts';
import { tail, until } from '#test/support/until.ts';
import { reasonOf } from '#shared/errors.ts';

const services = [
  'order',
  'payment',
  'wallet',
  'delivery',
  'notify',
  'saga',
  'circuit-breaker',
  'dead-letters',
  'gateway',
];

let stack: TestStack;
let shop: Shop;

test.before(async () => {
  stack = await startStack({
    apart: services,
    // A restart on a busy machine takes seconds and must not look like a step that nobody does.
    env: {
      ...SHORT_TIMES,
      // A service whose messages stand still for half of it gives them back, and is not ready meanwhile.
      MESSAGE_TTL_MS: '10000',
      GATE_CYCLE_MS: '12000',
      STEP_DEADLINE_MS: '30000',
      SAGA_DEADLINE_MS: '60000',
      RESEND_BASE_MS: '1000',
    },
  });
  shop = createShop(stack);
});
test.after.always(async () => stack?.stop());

/** What keeps it from being ready, as it says itself; nothing: it is ready. */
async function troubleOf(name: string): Promise<string | undefined> {
  try {
    const answer = await fetch(`${stack.urls[name]}/readyz`, { signal: AbortSignal.timeout(10_000) });
    const told = await answer.text();
    return answer.ok ? undefined : told;
  } catch (error) {
    return reasonOf(error);
  }
}

/** Resolves when the supervisor has started another process and that one is ready. */
async function restarted(name: string, before: number): Promise<void> {
  const trouble = (): Promise<string | undefined> | string =>
    stack.process(name).restarts() > before ? troubleOf(name) : 'not started again';
  const show = (): string => tail(stack.logs(), name);
  await until(`${name} runs again`, trouble, (told) => told === undefined, { show });
}

test.serial(
  'each service killed under load: the others stay ready, every order ends, the invariants hold',
  async (t) => {
    const traffic = createTraffic(shop, stack);
    const load = traffic.stream(90, 9);
    load.catch(() => {}); // awaited below
    for (const name of services) {
      const before = stack.process(name).restarts();
      stack.kill(name);
      const others = services.filter((other) => other !== name);
      const told = await Promise.all(others.map(async (other) => ({ other, trouble: await troubleOf(other) })));
      const notReady = told.filter(({ trouble }) => trouble !== undefined);
      const why = notReady.map(({ other, trouble }) => `${other}: ${trouble}\n${tail(stack.logs(), other)}`);
      t.deepEqual(notReady, [], `${name} was killed; not ready: ${why.join('\n')}`);
      await restarted(name, before);
    }
    await load;
    await traffic.allEnded(120_000);
    t.is(traffic.accepted.size, 90);
    holdAll(t, await readRest(shop, traffic, true));
  },
);

/** Each message after whose effect its reader's process ends, before it has committed. */
const exits: readonly (readonly [string, string])[] = [
  ['payment', 'payment.create'],
  ['order', 'payment.created'],
  ['wallet', 'wallet.hold'],
  ['payment', 'payment.authorize'],
  ['wallet', 'wallet.capture'],
  ['payment', 'payment.settle'],
  ['order', 'payment.settled'],
  ['delivery', 'delivery.dispatch'],
  ['notify', 'notify.send'],
  ['order', 'order.record-dispatch'],
];

test.serial('each owner ending after its effect and before its commit: the effect counts once', async (t) => {
  await shop.topUp('exits', 100_000);
  for (const [service, command] of exits) {
    const before = stack.process(service).restarts();
    await shop.fault(service, { exitAt: [command] });
    const orderId = await shop.place({ customerId: 'exits', amount: 100 });
    const { order } = await shop.ended(orderId);
    t.is(stack.process(service).restarts(), before + 1, `${service} ended at ${command}`);
    t.is(order.status, 'completed', command);
    const of = (await shop.entries('exits')).filter((entry) => entry.orderId === orderId);
    t.deepEqual(
      of.map(({ kind }) => kind),
      ['hold', 'capture'],
      command,
    );
    t.like(await shop.payments(orderId), [{ status: 'settled' }]);
    t.like(await shop.deliveries(orderId), [{ status: 'dispatched' }]);
    const ids = (await shop.mails(orderId)).map(({ messageId }) => messageId);
    t.is(new Set(ids).size, 1, command);
    t.true(ids.length <= (service === 'notify' ? 2 : 1), `${ids.length} mails`);
    await restarted(service, before);
  }
});
