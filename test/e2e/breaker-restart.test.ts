/** What survives: the gate and everything that it keeps, over reconnections of everybody and a restart of the broker. */
import test from 'ava';
import type { Breaker, ParkedItem } from '#services/circuit-breaker/contract.ts';
import type { LetterView } from '#services/dead-letters/letter-shape.ts';
import { send } from '#services/notify/contract.ts';
import { create, paymentIdOf } from '#services/payment/contract.ts';
import { topUp } from '#services/wallet/contract.ts';
import { connectAmqp } from '#shared/bus/amqp/amqp-bus.ts';
import { encode } from '#shared/bus/envelope.ts';
import { dead, delay, expired, hash, inbox, parked } from '#shared/bus/topology/topology.ts';
import { systemClock } from '#shared/clock.ts';
import { silentLog } from '#shared/log.ts';
import type { Message } from '#shared/message.ts';
import { brokerContents, type Connection } from '#test/support/broker-contents.ts';
import { createShop, type Shop } from '#test/support/place.ts';
import { startStack, type TestStack } from '#test/support/stack.ts';
import { tail, until } from '#test/support/until.ts';
import { commandMessage } from '#test/support/wire.ts';

/** A delay that outlasts the restart, and a pace of putting back at which nothing of it moves before the breaker stops. */
const TIMES = {
  MESSAGE_TTL_MS: '3000',
  GATE_DELAY_MS: '25000',
  CHECKOUT_STEP_MS: '60000',
  GATE_CYCLE_MS: '29000',
  STEP_DEADLINE_MS: '180000',
  SAGA_DEADLINE_MS: '360000',
  REDRIVE_START_PER_S: '0.5',
};
/** One route in each state, in the order in which an order comes to them: the last one is stopped first. */
const STATES = { notify: 'closed', wallet: 'half_open', payment: 'open' } as const;
type Route = keyof typeof STATES;
const ROUTES = Object.keys(STATES) as readonly Route[];

let stack: TestStack;
let shop: Shop;
let broker: ReturnType<typeof brokerContents>;

test.before(async () => {
  stack = await startStack({ apart: [...ROUTES, 'circuit-breaker'], env: TIMES, ownBroker: true });
  shop = createShop(stack);
  broker = brokerContents(stack);
  await shop.topUp('erin', 1_000_000);
});
test.after.always(async () => stack?.stop());

const breaker = (route: string) => shop.read<Breaker>(`/v1/breakers/${route}`);

async function force(route: string, state: Breaker['state']): Promise<void> {
  const ask = () => stack.api.put(`/v1/breakers/${route}/override`, { state, expiresInMs: 600_000 });
  await until(`${route} is forced ${state}`, ask, ({ status }) => status === 200, { limitMs: 60_000 });
}

async function release(route: string): Promise<void> {
  const headers = { authorization: `Bearer ${stack.operatorToken}` };
  const ask = () => fetch(`${stack.apiUrl}/v1/breakers/${route}/override`, { method: 'DELETE', headers });
  await until(`${route} is released`, ask, ({ status }) => status === 200, { limitMs: 60_000 });
}

const usersOf = (list: readonly Connection[]): string => [...new Set(list.map(({ user }) => user))].toSorted().join();

test.serial('no reconnecting service changes a binding, whatever the state', async (t) => {
  for (const state of ['closed', 'half_open', 'open'] as const) {
    for (const route of ROUTES) await force(route, state);
    const known = await until(
      'everyone is seen',
      // What the test and provisioning open as the administrator comes and goes.
      async () => (await broker.connections()).filter(({ user }) => user.includes('.')),
      (list) => new Set(list.map(({ user }) => user)).size >= 9,
    );
    const before = await broker.bindings();
    t.is(
      before.filter((one) => /^(notify|wallet|payment)\.(in|half) -> /.test(one)).length,
      { closed: 6, half_open: 3, open: 0 }[state],
    );
    for (const one of known) await broker.cut(one);
    const seen: (readonly string[])[] = [];
    const gone = new Set(known.map(({ name }) => name));
    await until(
      'everyone is back',
      async () => {
        seen.push(await broker.bindings());
        return (await broker.connections()).filter(({ name, user }) => user.includes('.') && !gone.has(name));
      },
      (list) => usersOf(list) === usersOf(known),
      { limitMs: 60_000 },
    );
    await stack.ready(60_000);
    for (const list of [...seen, await broker.bindings()]) t.deepEqual(list, before, state);
    t.log(`${state}: ${known.length} connections cut, ${before.length} bindings compared ${seen.length + 1} times`);
  }
  for (const route of ROUTES) await force(route, 'closed');
  for (const route of ROUTES) await release(route);
});

async function kept(): Promise<Readonly<Record<string, readonly string[]>>> {
  const queues = ROUTES.flatMap((route) => [delay(route), expired(route), parked(route)]);
  const lists: [string, readonly string[]][] = [];
  for (const queue of queues) lists.push([queue, await broker.idsIn(queue)]);
  return Object.fromEntries(lists);
}

/** A command of a foreign publisher that asks for no answer. */
function foreign(route: Route, name: string): Message {
  const amount = { amount: 700, currency: 'EUR' } as const;
  const id = `foreign-${route}-${name}`;
  const given = { id, correlationId: id, deadline: systemClock.now() + 600_000 };
  switch (route) {
    case 'wallet':
      return commandMessage(topUp, { customerId: 'frank', topUpId: id, amount }, given);
    case 'payment': {
      const body = { paymentId: paymentIdOf(id), orderId: id, customerId: 'frank', amount, method: 'pm_ok' };
      return commandMessage(create, body, given);
    }
    case 'notify': {
      const body = { orderId: id, outcome: 'completed', to: 'frank@example.org', customerId: 'frank', total: amount };
      return commandMessage(send, { ...body, outcome: 'completed' }, given);
    }
  }
}

const NEEDS: Readonly<Record<Route, string>> = {
  notify: 'notify-customer',
  wallet: 'hold-funds',
  payment: 'create-payment',
};

test.serial(
  'a restarted broker still has the gates, and all that is delayed, expired and parked; every order ends',
  async (t) => {
    const bus = connectAmqp({ url: stack.amqpUrl, name: 'foreign', clock: systemClock, log: silentLog });
    t.teardown(() => bus.close());
    const orders: string[] = [];
    for (const route of ROUTES) {
      await stack.process(route).stop();
      for (let n = 0; n < 2; n += 1) {
        const orderId = await shop.place({ customerId: 'erin' });
        await shop.waitingFor(orderId, NEEDS[route]);
        orders.push(orderId);
      }
    }
    const show = () => tail(stack.logs(), 'circuit-breaker');
    const isParked = (count: number) => (view: Breaker) => view.parked >= count;
    for (const route of ROUTES) await until(`${route} has parked two`, () => breaker(route), isParked(2), { show });
    for (const route of ROUTES) {
      await force(route, 'half_open');
      for (const name of ['delayed-1', 'delayed-2']) await bus.publish(inbox(route), encode(foreign(route, name)));
    }
    for (const route of ROUTES) if (STATES[route] !== 'half_open') await force(route, STATES[route]);
    for (const route of ROUTES)
      for (const name of ['late-1', 'late-2']) await bus.publish(hash(route), encode(foreign(route, name)));
    const states = new Map<string, Breaker>();
    for (const route of ROUTES) states.set(route, await breaker(route));
    await stack.process('circuit-breaker').stop();

    const before = await until('what is late has expired', kept, (lists) =>
      ROUTES.every((route) => (lists[expired(route)] ?? []).length >= 2),
    );
    const bound = await broker.bindings();
    for (const route of ROUTES) {
      const named = (queue: string) => (before[queue] ?? []).filter((id) => id.startsWith('foreign-'));
      t.deepEqual(named(delay(route)), [`foreign-${route}-delayed-1`, `foreign-${route}-delayed-2`]);
      t.deepEqual(named(expired(route)), [`foreign-${route}-late-1`, `foreign-${route}-late-2`]);
      t.is(states.get(route)?.state, STATES[route]);
      t.true((before[parked(route)] ?? []).length >= 2, `${route} keeps its orders' commands parked`);
    }

    const node = stack.process('broker');
    const stoppedAt = performance.now();
    await node.stop();
    node.start();
    await until('the broker is back with its queues', kept, () => true, { limitMs: 90_000, everyMs: 200 });
    t.log(`the broker was back after ${((performance.now() - stoppedAt) / 1000).toFixed(1)} s`);
    // With nobody there to take it, what has been delayed expires.
    const mayBeIn = (queue: string) => [queue, ...ROUTES.filter((route) => queue === delay(route)).map(expired)];
    await until(
      'nothing is missing',
      async () => {
        const now = await kept();
        return Object.entries(before).map(([queue, ids]) => {
          const there = mayBeIn(queue).flatMap((name) => now[name] ?? []);
          return { queue, missing: ids.filter((id) => !there.includes(id)) };
        });
      },
      (lists) => lists.every(({ missing }) => missing.length === 0),
    );
    t.deepEqual(await broker.bindings(), bound);

    stack.process('circuit-breaker').start();
    for (const route of ROUTES) {
      const then = states.get(route);
      const is = `${route} is as before, and what had expired is parked`;
      const now = await until(
        is,
        () => breaker(route) as Promise<Breaker & { stale: boolean }>,
        ({ parked: count, stale }) => !stale && count >= (before[parked(route)] ?? []).length + 2,
        { limitMs: 60_000, show },
      );
      t.like(now, { state: then?.state, generation: then?.generation, since: then?.since });
      t.deepEqual(now.transitions, then?.transitions);
    }
    t.deepEqual(await broker.bindings(), bound);
    await until(
      'what had expired is listed',
      () => shop.all<ParkedItem>('/v1/parked'),
      (listed) => ROUTES.every((route) => listed.some(({ messageId }) => messageId === `foreign-${route}-late-1`)),
      { show },
    );

    for (const route of ROUTES) stack.process(route).start();
    await stack.ready(60_000);
    for (const route of ROUTES) await release(route);
    for (const orderId of orders) t.is((await shop.ended(orderId, 150_000)).order.status, 'completed');
    const done = async () => ({
      left: (await Promise.all(ROUTES.map(async (route) => (await breaker(route)).parked))).join(),
      frank: (await shop.wallet('frank')).available.amount,
      mails: (await shop.mails()).filter(({ headers }) => headers['x-order-id']?.startsWith('foreign-')).length,
    });
    const rest = await until('all of it was handled', done, ({ left, mails }) => left === '0,0,0' && mails >= 4, {
      limitMs: 90_000,
      show,
    });
    t.deepEqual(rest, { left: '0,0,0', frank: 4 * 700, mails: 4 });
    t.deepEqual(await shop.all<LetterView>('/v1/dead-letters'), []);
    for (const route of ROUTES) t.deepEqual(await broker.idsIn(dead(route)), []);
  },
);
