/**
 * The saga by hand on amqp-connection-manager: a durable quorum queue a route, confirms, an acknowledgement for each message once what it
 * caused is confirmed. Its state is in memory and gone with the process; a message that comes twice is handled twice.
 */
import { connect, type ChannelWrapper } from 'amqp-connection-manager';
import type { ConfirmChannel } from 'amqplib';
import { contest } from './contestant.ts';

const PREFETCH = 1000;

await contest(async ({ shape, url }, completed) => {
  const { messages } = shape;
  const routes = [...new Set(messages.map(({ route }) => route))];
  const states = new Map<string, { readonly at: number }>();
  const connectionOptions = { connectionOptions: { noDelay: true } };
  const publishing = connect([url], connectionOptions);
  const consuming = connect([url], connectionOptions);
  const publisher: ChannelWrapper = publishing.createChannel({ confirm: true });

  const send = (orderId: string, step: number): Promise<unknown> => {
    const { route, type, content } = messages[step]!;
    const options = { persistent: true, type, messageId: `${orderId}:${step}`, headers: { key: orderId, step } };
    return publisher.sendToQueue(`hand.${route}`, Buffer.from(content), options);
  };

  async function onMessage(headers: Readonly<Record<string, unknown>>): Promise<void> {
    const [orderId, step] = [String(headers['key']), Number(headers['step'])];
    states.set(orderId, { at: step });
    if (step + 1 < messages.length) return void (await send(orderId, step + 1));
    states.delete(orderId);
    completed(orderId);
  }

  const consumer = consuming.createChannel({
    async setup(channel: ConfirmChannel) {
      for (const route of routes)
        await channel.assertQueue(`hand.${route}`, { durable: true, arguments: { 'x-queue-type': 'quorum' } });
      await channel.prefetch(PREFETCH);
      for (const route of routes)
        await channel.consume(`hand.${route}`, (message) => {
          if (message === null) return;
          JSON.parse(message.content.toString());
          void onMessage(message.properties.headers ?? {}).then(() => channel.ack(message));
        });
    },
  });
  await Promise.all([publisher.waitForConnect(), consumer.waitForConnect()]);
  return {
    place: (orderId) => send(orderId, 0),
    close: () => Promise.all([publishing.close(), consuming.close()]),
  };
});
