import test, { type ExecutionContext } from 'ava';
import { createMemoryBroker } from '#shared/bus/memory/memory-bus.ts';
import { jumpHash, topicMatches } from '#shared/bus/memory/routing.ts';
import { type RouteTable, topologyOf } from '#shared/bus/topology/topology.ts';
import { PublishError } from '#shared/errors.ts';
import { collect, packet } from '#test/support/broker-world.ts';
import { createVirtualClock } from '#test/support/virtual-clock.ts';

const table: RouteTable = { partitions: 1, routes: ['order'], services: {} };

function setUp(t: ExecutionContext, seed = 1) {
  const clock = createVirtualClock(seed);
  const broker = createMemoryBroker({ clock });
  broker.apply(topologyOf(table, { ttlMs: 1000, delayMs: 300 }, 'v'));
  const bus = broker.connect('a');
  t.teardown(() => clock.during(bus.close()));
  return { clock, broker, bus };
}

const keyed = (id: string) => packet(id, { key: 'k' });

async function codeOf(publish: Promise<void>): Promise<string> {
  return publish.then(
    () => 'confirmed',
    (error: unknown) => (error instanceof PublishError ? error.code : String(error)),
  );
}

test('time passes only when the clock is advanced', async (t) => {
  const { clock, broker, bus } = setUp(t);
  await clock.during(bus.publish('order.in', keyed('m')));
  await clock.advance(900);
  t.is(broker.queue('order.000').ready.length, 1);
  await clock.advance(200);
  t.is(broker.queue('order.000').ready.length, 0);
  t.is(broker.queue('order.expired').ready.length, 1);
});

test('what was under way to the broker arrives or is lost with the connection, the confirm in any case', async (t) => {
  const { clock, broker, bus } = setUp(t);
  const first = codeOf(bus.publish('order.in', keyed('m1')));
  broker.dropConnection('a', { kind: 'publish', inFlight: 'arrives' });
  t.is(await clock.during(first), 'outcome-unknown');
  t.is(broker.queue('order.000').ready.length, 1);
  await clock.until(() => bus.connected);
  const second = codeOf(bus.publish('order.in', keyed('m2')));
  broker.dropConnection('a', { kind: 'publish', inFlight: 'is-lost' });
  t.is(await clock.during(second), 'outcome-unknown');
  t.is(broker.queue('order.000').ready.length, 1);
});

test('a message that expires again with the broker notes on is dropped, as RabbitMQ 3.10 does', async (t) => {
  const { clock, broker } = setUp(t);
  broker.put('order.in', keyed('m'));
  await clock.advance(1100);
  const [expired] = broker.queue('order.expired').ready;
  t.truthy(expired);
  // Round a cycle: from the delay queue back to a partition that it has already died in.
  broker.put('order.hash', {
    ...keyed('n'),
    headers: { key: 'k', 'x-death': [{ queue: 'order.expired', reason: 'expired', count: 1 }] },
  });
  await clock.advance(1100);
  t.deepEqual(
    broker.queue('order.expired').ready.map(({ messageId }) => messageId),
    ['m'],
  );
});

test('hooks double, refuse and delay', async (t) => {
  const { clock, broker, bus } = setUp(t);
  broker.inject({
    copies: (_, { messageId }) => (messageId === 'twice' ? 2 : 1),
    refuses: (_, { messageId }) => messageId === 'refused',
    latencyMs: (_, direction) => (direction === 'to-broker' ? 40 : 0),
  });
  const { got, ids } = await clock.during(collect(bus, 'order.000'));
  const startedAt = clock.now();
  await clock.during(bus.publish('order.in', keyed('twice')));
  t.true(clock.now() - startedAt >= 40);
  t.is(await clock.during(codeOf(bus.publish('order.in', keyed('refused')))), 'nacked');
  await clock.settle();
  t.deepEqual(ids(), ['twice', 'twice']);
  t.not(got[0]?.tag, got[1]?.tag);
});

test('order on a connection survives any latencies', async (t) => {
  const { clock, broker, bus } = setUp(t, 7);
  broker.inject({ latencyMs: () => Math.floor(clock.random() * 50) });
  const { got, ids } = await clock.during(collect(bus, 'order.000'));
  const sent = Array.from({ length: 100 }, (_, index) => `m${index}`);
  await clock.during(Promise.all(sent.map((id) => bus.publish('order.in', keyed(id)))));
  await clock.until(() => got.length === 100);
  t.deepEqual(ids(), sent);
});

test('the same seed gives the same history', async (t) => {
  const history = async (): Promise<string> => {
    const { clock, broker, bus } = setUp(t, 42);
    broker.inject({ latencyMs: () => Math.floor(clock.random() * 30) });
    const { consumer } = await clock.during(collect(bus, 'order.000', 3));
    const events: string[] = [];
    for (let index = 0; index < 30; index += 1) {
      bus.publish('order.in', keyed(`m${index}`)).then(
        () => events.push(`${clock.now()} confirmed ${index}`),
        (error: PublishError) => events.push(`${clock.now()} ${error.code} ${index}`),
      );
      if (index === 20) broker.dropConnection('a');
      await clock.advance(5);
    }
    await clock.advance(3000);
    events.push(...broker.queue('order.expired').ready.map(({ messageId }) => `expired ${messageId}`));
    await clock.during(consumer.close());
    return events.join('\n');
  };
  const first = await history();
  t.true(first.includes('confirmed') && first.includes('outcome-unknown') && first.includes('expired'));
  t.is(await history(), first);
});

test('a bucket that is added takes keys only for itself', (t) => {
  let moved = 0;
  for (let index = 0; index < 5000; index += 1) {
    const [before, after] = [jumpHash(`k${index}`, 7), jumpHash(`k${index}`, 8)];
    if (before === after) continue;
    moved += 1;
    t.is(after, 7);
  }
  t.true(moved > 400 && moved < 850, `${moved}`);
});

test('topics match word by word', (t) => {
  const matches = (pattern: string, key: string): boolean => topicMatches(pattern.split('.'), key.split('.'));
  t.true(
    matches('a.*', 'a.b') &&
      matches('#', 'a.b.c') &&
      matches('a.#', 'a') &&
      matches('#.c', 'a.b.c') &&
      matches('a.b', 'a.b'),
  );
  t.false(matches('a.*', 'a') || matches('a.*', 'a.b.c') || matches('a', 'b') || matches('#.d', 'a.b.c'));
});
