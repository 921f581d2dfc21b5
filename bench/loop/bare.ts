import { connect } from 'amqplib';
import { orderMessage } from './load.ts';
import type { Values } from '#bench/arm.ts';
import { encode } from '#shared/bus/envelope.ts';

/**
 * What the broker does alone: messages of the size of an order's through a fanout and a consistent-hash exchange into
 * quorum queues with TTL and single active consumer, confirmed and acknowledged, at most `inFlight` unconfirmed or
 * unconsumed. Raw amqplib, one connection to publish and one to consume. `used` is asked for CPU seconds before and after what counts.
 */
export async function bareBroker(
  amqpUrl: string,
  inFlight: number,
  seconds: number,
  used: () => Values,
): Promise<Values> {
  const publishing = await connect(amqpUrl, { noDelay: true } as object);
  const consuming = await connect(amqpUrl, { noDelay: true } as object);
  const channel = await publishing.createConfirmChannel();
  const queues = Array.from({ length: 8 }, (_, index) => `bare.${String(index).padStart(3, '0')}`);
  await channel.assertExchange('bare.in', 'fanout', { durable: true });
  await channel.assertExchange('bare.hash', 'x-consistent-hash', {
    durable: true,
    arguments: { 'hash-header': 'key' },
  });
  await channel.bindExchange('bare.hash', 'bare.in', '');
  for (const queue of queues) {
    const args = { 'x-queue-type': 'quorum', 'x-single-active-consumer': true, 'x-message-ttl': 60_000 };
    await channel.assertQueue(queue, { durable: true, arguments: args });
    await channel.bindQueue(queue, 'bare.hash', '1');
  }

  let consumed = 0;
  let counting = false;
  let sent = 0;
  let stopped = false;
  let outstanding = 0;
  const { promise: drained, resolve: onDrained } = Promise.withResolvers<void>();
  const template = encode(orderMessage('01890a5d-ac96-774b-bcce-b302099a8057', 0));

  function fill(): void {
    while (!stopped && outstanding < inFlight) {
      outstanding += 1;
      sent += 1;
      let confirmed = false;
      let arrived = false;
      const key = `order-${sent}`;
      const finish = (): void => {
        if (!confirmed || !arrived) return;
        outstanding -= 1;
        if (stopped && outstanding === 0) onDrained();
        else fill();
      };
      waiting.set(key, () => {
        arrived = true;
        finish();
      });
      const options = {
        persistent: true,
        mandatory: true,
        type: template.type,
        messageId: key,
        headers: { ...template.headers, key },
      };
      channel.publish('bare.in', '', template.content, options as object, () => {
        confirmed = true;
        finish();
      });
    }
  }

  const waiting = new Map<string, () => void>();
  for (const queue of queues) {
    const consumer = await consuming.createChannel();
    await consumer.prefetch(100);
    let unacked = 0;
    await consumer.consume(queue, (message) => {
      if (message === null) return;
      if (counting) consumed += 1;
      unacked += 1;
      if (unacked === 1) {
        setImmediate(() => {
          unacked = 0;
          consumer.ackAll();
        });
      }
      const key = String(message.properties.messageId);
      const arrive = waiting.get(key);
      waiting.delete(key);
      arrive?.();
    });
  }

  fill();
  await new Promise((resolve) => setTimeout(resolve, 1000));
  counting = true;
  const start = performance.now();
  const before = used();
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  counting = false;
  const tookS = (performance.now() - start) / 1000;
  const after = used();
  stopped = true;
  await drained;
  for (const queue of queues) await channel.deleteQueue(queue);
  for (const exchange of ['bare.in', 'bare.hash']) await channel.deleteExchange(exchange);
  await publishing.close();
  await consuming.close();
  const cores = Object.entries(after).map(([name, one]) => [`cores.${name}`, (one - before[name]!) / tookS] as const);
  return { messagesPerS: consumed / tookS, ...Object.fromEntries(cores) };
}
