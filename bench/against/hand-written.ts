/**
 * The saga by hand on amqp-connection-manager: a topic exchange, a durable quorum queue a route, confirms, an acknowledgement for each message once what it
 * caused is confirmed. Its state is in memory and gone with the process; a message that comes twice is handled twice.
 */
import { connect, type ChannelWrapper } from 'amqp-connection-manager';
import type { ConfirmChannel } from 'amqplib';
import { contest } from './contestant.ts';

const PREFETCH = 1000;
const EXCHANGE = 'hand';

await contest(async ({ shape, url }, completed) => {
  const { messages } = shape;
  const routes = [...new Set(messages.flatMap((one) => one.routes))];
  const states = new Map<string, { readonly at: number }>();
  const connectionOptions = { connectionOptions: { noDelay: true } };
  const publishing = connect([url], connectionOptions);
  const consuming = connect([url], connectionOptions);
  const publisher: ChannelWrapper = publishing.createChannel({ confirm: true });

  let unconfirmed = 0;
  const send = async (orderId: string, step: number): Promise<void> => {
    const { type, content } = messages[step]!;
    const options = { persistent: true, type, messageId: `${orderId}:${step}`, headers: { key: orderId, step } };
    unconfirmed += 1;
    await publisher.publish(EXCHANGE, type, Buffer.from(content), options);
    unconfirmed -= 1;
  };

  async function onMessage(route: string, headers: Readonly<Record<string, unknown>>): Promise<void> {
    const [orderId, step] = [String(headers['key']), Number(headers['step'])];
    states.set(orderId, { at: step });
    if (route !== messages[step]!.routes.at(-1)) return; // somebody else goes on
    if (step + 1 < messages.length) return send(orderId, step + 1);
    states.delete(orderId);
    completed(orderId);
  }

  const consumer = consuming.createChannel({
    async setup(channel: ConfirmChannel) {
      await channel.assertExchange(EXCHANGE, 'topic', { durable: true });
      for (const route of routes)
        await channel.assertQueue(`hand.${route}`, { durable: true, arguments: { 'x-queue-type': 'quorum' } });
      for (const one of messages)
        for (const route of one.routes) await channel.bindQueue(`hand.${route}`, EXCHANGE, one.type);
      await channel.prefetch(PREFETCH);
      for (const route of routes)
        await channel.consume(`hand.${route}`, (message) => {
          if (message === null) return;
          JSON.parse(message.content.toString());
          void onMessage(route, message.properties.headers ?? {}).then(() => channel.ack(message));
        });
    },
  });
  await Promise.all([publisher.waitForConnect(), consumer.waitForConnect()]);
  return {
    place: (orderId) => send(orderId, 0),
    async close() {
      // The last message may be consumed before it is confirmed.
      while (unconfirmed > 0) await new Promise((resolve) => setTimeout(resolve, 10));
      await Promise.all([publishing.close(), consuming.close()]);
    },
  };
});
