import test from 'ava';
import { createMemoryBroker } from '#shared/bus/memory/memory-bus.ts';
import { tellingRefusals } from '#shared/bus/returned-messages.ts';
import { CONTROL, gate, topologyOf } from '#shared/bus/topology/topology.ts';
import { systemClock as clock } from '#shared/clock.ts';
import { packet } from '#test/support/broker-world.ts';

const table = { partitions: 2, routes: ['order'], services: {} };

test('what an open route gives back is told, and the publisher learns of it as before', async (t) => {
  const broker = createMemoryBroker({ clock });
  broker.apply(topologyOf(table, { ttlMs: 60_000, delayMs: 1000 }, 'test'));
  const refused: string[] = [];
  const bus = tellingRefusals(broker.connect('gateway'), (exchange) => refused.push(exchange));
  t.teardown(async () => {
    await bus.close();
    broker.close();
  });
  t.true(bus.connected);
  await bus.publish('order.in', packet('a', { key: 'k' }));
  t.deepEqual(refused, []);
  const session = await bus.session();
  for (const binding of Object.values(gate('order'))) await session.unbind(binding);
  t.like(await t.throwsAsync(bus.publish('order.in', packet('b', { key: 'k' }))), { code: 'returned' });
  t.deepEqual(refused, ['order.in']);
  t.like(await t.throwsAsync(bus.publish(CONTROL, packet('c'), 'faults.nobody')), { code: 'returned' });
  t.deepEqual(refused, ['order.in'], 'nobody listening is no route');
  await bus.publish('order.hash', packet('d', { key: 'k' }));
});
