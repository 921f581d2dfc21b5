import test, { type ExecutionContext } from 'ava';
import { type MoverPolicy, startMover } from '#services/circuit-breaker/mover.ts';
import type { Bus } from '#shared/bus/bus.ts';
import { decode, encode } from '#shared/bus/envelope.ts';
import { createMemoryBroker } from '#shared/bus/memory.ts';
import { type RouteTable, topologyOf } from '#shared/bus/topology.ts';
import { silentLog } from '#shared/log.ts';
import type { Message } from '#shared/message.ts';
import { createVirtualClock } from '#test/support/virtual-clock.ts';

const TTL_MS = 1000;
const table: RouteTable = { partitions: 2, routes: ['wallet', 'order'], services: {} };
const policy: MoverPolicy = { maxRedrives: 4, pause: { baseMs: 100, capMs: 100_000 }, quietMs: 3000 };
const order = (id: string): Message => ({ id, type: 'wallet.hold', key: 'alice', body: {}, correlationId: 'o1' });

async function setUp(t: ExecutionContext, given: Partial<MoverPolicy> = {}) {
  const clock = createVirtualClock();
  const broker = createMemoryBroker({ clock });
  broker.apply(topologyOf(table, { ttlMs: TTL_MS, delayMs: 200 }, 'v'));
  const bus = broker.connect('breaker');
  const other = broker.connect('other');
  const moved: [string, number][] = [];
  const mover = await clock.during(
    startMover({
      bus,
      clock,
      log: silentLog,
      routes: table.routes,
      policy: { ...policy, ...given },
      onMoved: (route, to) => moved.push([`${route} ${to}`, clock.now()]),
    }),
  );
  t.teardown(async () => {
    await clock.during(mover.stop());
    await clock.during(bus.close());
  });
  return { clock, broker, bus, other, mover, moved };
}

const consumeAll = async (bus: Bus, ids: string[]): Promise<() => Promise<void>> => {
  const closing: (() => Promise<void>)[] = [];
  for (const queue of ['wallet.000', 'wallet.001']) {
    const consumer = await bus.consume(queue, {
      prefetch: 100,
      onChannelLost() {},
      onDelivery(delivery) {
        const { id, redriven } = decode(delivery.packet);
        ids.push(`${id} ${redriven ?? 0}`);
        setImmediate(() => consumer.ack([delivery]));
      },
    });
    closing.push(() => consumer.close());
  }
  return async () => void (await Promise.all(closing.map((close) => close())));
};

test('what expired while nobody consumed is handled when somebody does', async (t) => {
  const { clock, broker, other } = await setUp(t);
  broker.put('wallet.in', encode(order('a')));
  broker.put('wallet.in', encode(order('b')));
  await clock.advance(TTL_MS * 2.5);
  const ids: string[] = [];
  await clock.during(consumeAll(other, ids));
  await clock.advance(TTL_MS * 3);
  t.deepEqual(ids.toSorted(), ['a 2', 'b 2']);
  t.deepEqual(broker.queue('wallet.expired').ready, []);
  t.is(broker.queue('wallet.expired').unacked, 0);
});

test('the pause grows while the same messages come back, per route, and is short again after quiet', async (t) => {
  const { clock, broker, other, moved } = await setUp(t, { maxRedrives: 100, quietMs: 20_000 });
  const gaps = (route: string): number[] => {
    const times = moved.filter(([what]) => what === `${route} redriven`).map(([, at]) => at);
    return times.slice(1).map((at, index) => at - (times[index] as number) - TTL_MS);
  };
  broker.put('wallet.in', encode(order('a')));
  await clock.until(() => moved.length === 6, 60_000);
  const wallet = gaps('wallet');
  // Equal jitter: each pause is between half and all of 200, 400, 800, ... ms.
  wallet.forEach((gap, index) => t.true(gap >= 100 * 2 ** index && gap <= 200 * 2 ** index + 1, `${index}: ${gap}`));
  broker.put('order.in', encode({ ...order('b'), type: 'order.place' }));
  const before = clock.now();
  await clock.until(() => moved.some(([what]) => what === 'order redriven'));
  t.true((moved.find(([what]) => what === 'order redriven')?.[1] as number) - before <= TTL_MS + 110);

  const stopConsuming = await clock.during(consumeAll(other, []));
  await clock.advance(30_000);
  await clock.during(stopConsuming());
  const count = moved.length;
  const sentAt = clock.now();
  broker.put('wallet.in', encode(order('c')));
  await clock.until(() => moved.length > count);
  t.true((moved.at(-1)?.[1] as number) - sentAt <= TTL_MS + 110);
});

test('a message that was put back often enough becomes a dead letter with the reason', async (t) => {
  const { clock, broker, moved } = await setUp(t);
  broker.put('wallet.in', encode(order('a')));
  await clock.until(() => moved.some(([what]) => what === 'wallet dead'), 60_000);
  t.is(moved.filter(([what]) => what === 'wallet redriven').length, 4);
  await clock.settle();
  const [packet] = broker.queue('wallet.dead').ready;
  t.is(packet?.messageId, 'a');
  t.regex(String(packet?.headers['dead-reason']), /expired/);
  t.is(broker.queue('wallet.expired').unacked, 0);
});

test('a packet that is not ours becomes a dead letter and the others go on', async (t) => {
  const { clock, broker, moved } = await setUp(t);
  broker.put('wallet.in', { content: Buffer.from('{'), headers: {} });
  broker.put('wallet.in', encode(order('a')));
  await clock.until(() => moved.length === 2);
  t.deepEqual(moved.map(([what]) => what).toSorted(), ['wallet dead', 'wallet redriven']);
  t.regex(String(broker.queue('wallet.dead').ready[0]?.headers['dead-reason']), /message id is missing/);
});

test('what the broker refuses stays where it is and is tried again', async (t) => {
  const { clock, broker, moved } = await setUp(t);
  broker.inject({ refuses: (exchange) => exchange === 'wallet.hash' });
  broker.put('wallet.in', encode(order('a')));
  await clock.advance(5000);
  t.deepEqual(moved, []);
  t.is(broker.queue('wallet.expired').unacked, 1);
  broker.inject({});
  await clock.until(() => moved.length === 1);
  await clock.settle();
  t.is(broker.queue('wallet.expired').unacked, 0);
});

test('a connection lost in the middle loses nothing', async (t) => {
  const { clock, broker, other } = await setUp(t, { maxRedrives: 100 });
  for (let index = 0; index < 50; index += 1)
    broker.put('wallet.in', encode({ ...order(`m${index}`), key: `k${index}` }));
  await clock.advance(TTL_MS + 40);
  for (let cut = 0; cut < 5; cut += 1) {
    broker.dropConnection('breaker');
    await clock.advance(137);
  }
  const ids: string[] = [];
  await clock.during(consumeAll(other, ids));
  await clock.advance(TTL_MS * 20);
  t.is(new Set(ids.map((id) => id.split(' ')[0])).size, 50);
  t.is(broker.queue('wallet.expired').unacked + broker.queue('wallet.expired').ready.length, 0);
});
