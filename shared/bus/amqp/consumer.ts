import type { Channel, ConsumeMessage, Message } from 'amqplib';
import { type AckWindow, createAckWindow } from './ack-window.ts';
import { keepChannel, type KeptChannel } from './channel.ts';
import type { KeptConnection } from './connection.ts';
import { packetOf } from './packet.ts';
import type { Consumer, ConsumeOptions, Delivery, Packet } from '#shared/bus/bus.ts';
import type { Clock } from '#shared/clock.ts';
import type { Log } from '#shared/log.ts';

export interface AmqpContext {
  readonly connection: KeptConnection;
  readonly clock: Clock;
  readonly log: Log;
}

export function createAmqpConsumer(
  context: AmqpContext,
  queue: string,
  options: ConsumeOptions,
  onClose: () => void,
): { readonly kept: KeptChannel<Channel>; readonly consumer: Consumer } {
  let live: { readonly channel: Channel; readonly id: number; readonly window: AckWindow } | undefined;
  let unsent: number[] = [];
  let closed = false;
  const consumer: Consumer = {
    queue,
    get active() {
      return kept.current !== undefined;
    },
    ack(deliveries) {
      if (live === undefined) return;
      if (unsent.length === 0) process.nextTick(flush);
      for (const { channel, tag } of deliveries) if (channel === live.id) unsent.push(tag);
    },
    close() {
      onClose();
      return kept.close();
    },
  };

  /** Acknowledgements of one turn of the event loop leave together: in order, they become one. */
  function flush(): void {
    const tags = unsent;
    unsent = [];
    if (live === undefined || tags.length === 0) return;
    for (const { tag, multiple } of live.window.settle(tags)) live.channel.ack(tagged(tag), multiple);
  }

  const kept = keepChannel<Channel>({
    ...context,
    what: `consuming ${queue}`,
    open: (model) => model.createChannel(),
    async setUp(channel, id) {
      live = { channel, id, window: createAckWindow() };
      unsent = [];
      await channel.prefetch(options.prefetch);
      await channel.consume(
        queue,
        (message) => {
          if (message === null) {
            // The queue was deleted or lost its leader.
            live = undefined;
            void channel.close().catch(() => {});
          } else if (!closed) options.onDelivery(deliveryOf(message, queue, id), consumer);
        },
        options.tag === undefined ? {} : { consumerTag: options.tag },
      );
      options.onRegistered?.();
    },
    onLost(id) {
      live = undefined;
      options.onChannelLost(id);
    },
    onClose() {
      flush();
      live = undefined;
      closed = true;
    },
  });
  return { kept, consumer };
}

/** A private queue, made again on every new channel; it goes with its consumer. */
export function createAmqpSubscription(
  context: AmqpContext,
  exchange: string,
  routingKeys: readonly string[],
  onPacket: (packet: Packet, routingKey: string) => void,
): KeptChannel<Channel> {
  return keepChannel<Channel>({
    ...context,
    what: `the broadcasts of ${exchange}`,
    open: (model) => model.createChannel(),
    async setUp(channel) {
      const { queue } = await channel.assertQueue('', {
        exclusive: true,
        durable: false,
        autoDelete: true,
        arguments: { 'x-queue-type': 'classic' },
      });
      for (const routingKey of routingKeys) await channel.bindQueue(queue, exchange, routingKey);
      await channel.consume(
        queue,
        (message) => {
          if (message === null) void channel.close().catch(() => {});
          else onPacket(packetOf(message), message.fields.routingKey);
        },
        { noAck: true },
      );
    },
    onLost() {},
  });
}

export function deliveryOf(message: ConsumeMessage | Message, queue: string, channel: number): Delivery {
  const { redelivered, deliveryTag: tag } = message.fields as {
    readonly redelivered: boolean;
    readonly deliveryTag: number;
  };
  return { packet: packetOf(message), queue, redelivered, tag, channel };
}

/** amqplib takes a message where it needs its tag. */
export function tagged(deliveryTag: number): Message {
  return { fields: { deliveryTag } } as unknown as Message;
}
