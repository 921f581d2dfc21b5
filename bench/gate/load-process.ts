/** A process that publishes orders at full speed, and takes them, until it is told to stop. */
import { connected, swallow } from './rate.ts';
import { orderMessage } from '#bench/loop/load.ts';
import { encode } from '#shared/bus/envelope.ts';
import { inbox } from '#shared/bus/topology/topology.ts';
import { systemClock } from '#shared/clock.ts';

const [amqpUrl = ''] = process.argv.slice(2);
const bus = await connected(amqpUrl, 'bench-load');
const stop = await swallow(bus, 'order');
let publishing = true;
process.on('message', () => (publishing = false));
process.send?.('ready');
const publishers = Array.from({ length: 100 }, async () => {
  for (let n = 0; publishing; n += 1) await bus.publish(inbox('order'), encode(orderMessage(systemClock.id(), n)));
});
await Promise.all(publishers);
await stop();
await bus.close();
process.disconnect();
