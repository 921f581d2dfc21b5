import test from 'ava';
import { PARKING_PREFETCH, startParking } from '#services/circuit-breaker/parking.ts';
import { createParkedList } from '#services/circuit-breaker/parked-list.ts';
import { type Redriving, startRedriving } from '#services/circuit-breaker/redriving.ts';
import { encode } from '#shared/bus/envelope.ts';
import { createMemoryBroker } from '#shared/bus/memory/memory-bus.ts';
import { topologyOf } from '#shared/bus/topology/topology.ts';
import { silentLog } from '#shared/log.ts';
import { WAKE } from '#shared/message.ts';
import { createVirtualClock } from '#test/support/virtual-clock.ts';
import { messageOf, policy, table } from './world.ts';

async function setUp() {
  const clock = createVirtualClock();
  const broker = createMemoryBroker({ clock });
  broker.apply(topologyOf(table, { ...policy, ttlMs: 1000 }, 'v'));
  let terms = 0;
  async function term() {
    const name = `term-${(terms += 1)}`;
    const bus = broker.connect(name);
    const session = await bus.session();
    const ending = new AbortController();
    let expired = 0;
    const common = { route: 'payment', session, bus, clock, log: silentLog, ended: ending.signal };
    return {
      options: common,
      expired: () => expired,
      park: () =>
        clock.during(startParking({ ...common, maxRedrives: 3, onExpired: () => (expired += 1), onParked() {} })),
      end() {
        ending.abort();
        broker.dropConnection(name, { inFlight: 'is-lost' });
      },
    };
  }
  const put = (exchange: string, ...ids: string[]): void => {
    for (const id of ids) broker.put(exchange, encode(messageOf('payment', id)));
  };
  const ready = (name: string): number => broker.queue(name).ready.length;
  const unacked = (name: string): number => broker.queue(name).unacked;
  return { clock, broker, term, put, ready, unacked };
}

test('what cannot be parked stays where it is, counted once, and goes to the next leader', async (t) => {
  const { clock, broker, term, put, ready, unacked } = await setUp();
  const first = await term();
  const parking = await first.park();
  broker.inject({ refuses: (exchange) => exchange === 'payment.parked' });
  put('payment.in', 'a', 'b');
  await clock.advance(6000);
  t.is(first.expired(), 2);
  t.is(unacked('payment.expired'), 2);
  t.false(parking.full);
  first.end();
  await clock.advance(1);
  t.is(ready('payment.expired'), 2);
  const second = await term();
  await second.park();
  await clock.advance(100);
  t.is(second.expired(), 2);
  t.is(ready('payment.parked'), 0);
  broker.inject({});
  await clock.advance(4000);
  t.is(ready('payment.parked'), 2);
  t.is(unacked('payment.expired') + ready('payment.expired'), 0);
});

test('it holds no more than it may, and says that it sees no more', async (t) => {
  const { clock, broker, term, put, ready, unacked } = await setUp();
  const one = await term();
  const parking = await one.park();
  broker.inject({ refuses: (exchange) => exchange === 'payment.parked' });
  put('payment.in', ...Array.from({ length: PARKING_PREFETCH + 50 }, (_, index) => `m${index}`));
  await clock.advance(1500);
  t.true(parking.full);
  t.is(unacked('payment.expired'), PARKING_PREFETCH);
  t.is(ready('payment.expired'), 50);
  broker.inject({});
  await clock.advance(5000);
  t.false(parking.full);
  t.is(ready('payment.parked'), PARKING_PREFETCH + 50);
});

async function redriving(count: number) {
  const world = await setUp();
  const { clock, term, put, ready } = world;
  const one = await term();
  let closedSince: number | undefined;
  put('payment.parked', ...Array.from({ length: count }, (_, index) => `m${index}`));
  const redrive: Redriving = startRedriving({
    ...one.options,
    policy: { startPerS: 10, capPerS: 40 },
    cycleMs: 2000,
    closedSince: () => closedSince,
    waiting: () => 0,
    onTaken() {},
    isRead: () => false,
    onRedriven() {},
  });
  const back = (): number => count - redrive.moving - ready('payment.parked');
  const close = (): void => {
    closedSince = clock.now();
    redrive.look();
  };
  const open = (): void => {
    closedSince = undefined;
  };
  return { ...world, one, redrive, back, close, open };
}

test('nothing goes back before the gate is closed nor after', async (t) => {
  const { clock, back, close, open } = await redriving(100);
  await clock.advance(10_000);
  t.is(back(), 0);
  close();
  await clock.advance(1000);
  const sent = back();
  t.true(sent >= 9 && sent <= 11, `${sent}`);
  open();
  await clock.advance(10_000);
  t.is(back(), sent);
});

test('the pace doubles with every quiet cycle up to the cap, and one expiry stops it for a cycle', async (t) => {
  const { clock, redrive, back, close } = await redriving(450);
  close();
  const sent: number[] = [];
  for (let cycle = 0; cycle < 4; cycle += 1) {
    const before = back();
    await clock.advance(2000);
    sent.push(back() - before);
  }
  for (const [index, about] of [20, 40, 80, 80].entries())
    t.true(Math.abs((sent[index] as number) - about) <= 4, `${sent.join(', ')}`);
  redrive.expired();
  const before = back();
  await clock.advance(1950);
  t.is(back(), before);
  await clock.advance(2000);
  const after = back() - before;
  t.true(after >= 17 && after <= 21, `${after}`);
});

test('while the gate is not closed nothing is taken, and afterwards nothing is held', async (t) => {
  const { clock, back, close, open, unacked } = await redriving(100);
  await clock.advance(3_600_000);
  t.is(unacked('payment.parked'), 0);
  close();
  await clock.advance(1000);
  t.true(back() > 5);
  open();
  await clock.advance(200);
  t.is(unacked('payment.parked'), 0);
});

test('what the broker refuses returns to its place, and goes in order when it is taken', async (t) => {
  const { clock, broker, close, ready, unacked, redrive } = await redriving(3);
  broker.inject({ refuses: (exchange) => exchange === 'payment.hash' });
  close();
  for (let step = 0; step < 40; step += 1) {
    await clock.advance(100);
    t.true(unacked('payment.parked') <= 3);
  }
  t.is(ready('payment.parked') + redrive.moving, 3);
  broker.inject({});
  await clock.advance(5000);
  t.is(ready('payment.parked') + unacked('payment.parked'), 0);
});

test('what is parked while the queue is being found empty goes back too', async (t) => {
  const { clock, term, put, ready } = await setUp();
  const { options } = await term();
  let redrive: Redriving | undefined;
  let isFirst = true;
  async function session() {
    const own = await options.bus.session();
    return {
      ...own,
      async get(queue: string) {
        const found = await own.get(queue);
        if (found === undefined && isFirst) {
          isFirst = false;
          put('payment.parked', 'meanwhile');
          redrive?.parked();
        }
        return found;
      },
    };
  }
  redrive = startRedriving({
    ...options,
    bus: { ...options.bus, session },
    policy: { startPerS: 10, capPerS: 40 },
    cycleMs: 2000,
    closedSince: () => 0,
    waiting: () => 0,
    onTaken() {},
    isRead: () => false,
    onRedriven() {},
  });
  await clock.advance(900);
  t.is(ready('payment.parked'), 0);
  t.is(ready('payment.000') + ready('payment.001'), 1);
});

test('a term that ends in the middle leaves what is parked to the next one', async (t) => {
  const { clock, broker, close, ready, unacked, one } = await redriving(3);
  broker.inject({ refuses: (exchange) => exchange === 'payment.hash' });
  close();
  await clock.advance(250);
  one.end();
  await clock.advance(10);
  t.is(ready('payment.parked'), 3);
  t.is(unacked('payment.parked'), 0);
});

test('what is parked and not ours becomes a dead letter; a wake is dropped', async (t) => {
  const { clock, broker, close, ready } = await redriving(1);
  broker.put('payment.parked', { content: Buffer.from('?'), headers: {} });
  broker.put('payment.parked', encode({ ...messageOf('payment', 'w'), type: WAKE }));
  close();
  await clock.advance(900);
  t.is(ready('payment.parked'), 0);
  t.is(ready('payment.dead'), 1);
  t.is(ready('payment.000') + ready('payment.001'), 1);
});

test('a wake that expired is dropped, moves no gate and takes no room', async (t) => {
  const { clock, broker, term, put, ready, unacked } = await setUp();
  const one = await term();
  await one.park();
  for (let n = 0; n < 3; n += 1) broker.put('payment.hash', encode({ ...messageOf('payment', `w${n}`), type: WAKE }));
  put('payment.in', 'a');
  await clock.advance(2000);
  t.is(one.expired(), 1);
  t.is(ready('payment.parked'), 1);
  t.is(ready('payment.expired') + unacked('payment.expired') + ready('payment.dead'), 0);
});

test('listing looks without taking: the same messages are there in the same order, for as many as ask at once', async (t) => {
  const { clock, term, put, broker } = await setUp();
  const ids = Array.from({ length: 30 }, (_, index) => `m${index}`);
  put('payment.parked', ...ids);
  const one = await term();
  const list = createParkedList(one.options.bus, clock);
  const both = Promise.all([list.read('payment'), list.read('payment')]);
  t.true(list.isRead('payment'));
  const [items, same] = await clock.during(both);
  t.is(items, same);
  t.deepEqual(
    items.map(({ messageId }) => messageId),
    ids,
  );
  t.false(list.isRead('payment'));
  t.deepEqual(
    broker.queue('payment.parked').ready.map(({ messageId }) => messageId),
    ids,
  );
  t.is((await clock.during(list.read('payment'))).length, 30);
});
