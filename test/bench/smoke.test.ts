import test from 'ava';
import { createClosedLoop } from '#bench/loop/closed-loop.ts';
import { fillUp, orderMessage } from '#bench/loop/load.ts';
import { host, participants } from '#bench/loop/participants.ts';
import { routeTable } from '#services/services.ts';
import { encode } from '#shared/bus/envelope.ts';
import { createMemoryBroker } from '#shared/bus/memory/memory-bus.ts';
import { inbox, topologyOf } from '#shared/bus/topology/topology.ts';
import { systemClock } from '#shared/clock.ts';

test('the closed loop completes orders over the whole road, with metrics and without', async (t) => {
  for (const metrics of [false, true]) {
    const ttlMs = 60_000;
    const broker = createMemoryBroker({ clock: systemClock });
    broker.apply(topologyOf(routeTable, { ttlMs, delayMs: 2000 }, 'bench'));
    const bus = broker.connect('gateway');
    const loop = createClosedLoop((orderId, n) => bus.publish(inbox('order'), encode(orderMessage(orderId, n, 5))));
    let handled = 0;
    const onMessage = (): void => void (handled += 1);
    const hosting = { amqpUrl: '', connect: broker.connect, ttlMs, metrics, onCompleted: loop.completed, onMessage };
    const stops = [];
    for (const name of participants) stops.push(await host(name, hosting));
    await fillUp(bus, 5);
    const { completed } = await loop.run({ inFlight: 20, seconds: 0.2, warmUpSeconds: 0.1 });
    for (const stop of stops) await stop();
    t.true(completed >= 20);
    t.true(handled / loop.placed > participants.length);
  }
});
