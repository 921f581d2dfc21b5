import type { Channel, ChannelModel } from 'amqplib';
import { nextChannelId } from './channel.ts';
import { deliveryOf, tagged } from './consumer.ts';
import { createChannelPublisher, PUBLISH_LIMITS } from './publisher.ts';
import { refusalOf } from './channel-error.ts';
import type { BindingSpec, Session } from '#shared/bus/bus.ts';
import type { Clock } from '#shared/clock.ts';

/**
 * A session over a connection of its own. Messages go over one confirm channel, whose end ends the session; what
 * changes topology goes over another, because a refusal there closes its channel and must not end the session.
 */
export async function createAmqpSession(model: ChannelModel, clock: Clock): Promise<Session> {
  const closed = Promise.withResolvers<void>();
  let open = true;
  let administration: Promise<Channel> | undefined;
  model.on('close', () => {
    open = false;
    closed.resolve();
  });
  const work = await model.createConfirmChannel();
  const id = nextChannelId();
  const publisher = createChannelPublisher(work, clock, PUBLISH_LIMITS);
  work.on('error', () => {});
  work.on('close', () => {
    open = false;
    publisher.lost();
    void model.close().catch(() => {});
  });

  async function openAdministration(): Promise<Channel> {
    const channel = await model.createChannel();
    channel.on('error', () => {});
    channel.on('close', () => {
      administration = undefined;
    });
    return channel;
  }

  async function guarded<Answer>(run: () => Promise<Answer>): Promise<Answer> {
    if (!open) throw new Error('the session is closed');
    try {
      return await run();
    } catch (error) {
      throw refusalOf(error);
    }
  }

  const administer = <Answer>(run: (channel: Channel) => Promise<Answer>): Promise<Answer> =>
    guarded(async () => run(await (administration ??= openAdministration())));

  const bindings = (
    channel: Channel,
    { to, destination, source, routingKey }: BindingSpec,
    make: boolean,
  ): Promise<unknown> => {
    if (to === 'queue')
      return make
        ? channel.bindQueue(destination, source, routingKey)
        : channel.unbindQueue(destination, source, routingKey);
    return make
      ? channel.bindExchange(destination, source, routingKey)
      : channel.unbindExchange(destination, source, routingKey);
  };

  return {
    async declareExchange({ name, type, arguments: args }) {
      await administer((channel) => channel.assertExchange(name, type, { durable: true, arguments: args }));
    },
    async declareQueue({ name, type, exclusive = false, arguments: args }) {
      const options = {
        exclusive,
        durable: type === 'quorum' || !exclusive,
        arguments: { 'x-queue-type': type, ...args },
      };
      const { queue } = await administer((channel) => channel.assertQueue(name, options));
      return queue;
    },
    async bind(binding) {
      await administer((channel) => bindings(channel, binding, true));
    },
    async unbind(binding) {
      await administer((channel) => bindings(channel, binding, false));
    },
    publish: (exchange, packet, routingKey) =>
      open ? publisher.publish(exchange, packet, routingKey) : Promise.reject(new Error('the session is closed')),
    async get(queue) {
      const message = await guarded(() => work.get(queue));
      return message === false ? undefined : deliveryOf(message, queue, id);
    },
    async consume(queue, prefetch, onDelivery) {
      await guarded(async () => {
        await work.prefetch(prefetch);
        await work.consume(queue, (message) => {
          if (message === null) void work.close().catch(() => {});
          else onDelivery(deliveryOf(message, queue, id));
        });
      });
    },
    ack({ tag, channel }) {
      if (open && channel === id) work.ack(tagged(tag));
    },
    release({ tag, channel }) {
      if (open && channel === id) work.nack(tagged(tag), false, true);
    },
    async depth(queue) {
      const { messageCount } = await administer((channel) => channel.checkQueue(queue));
      return messageCount;
    },
    closed: closed.promise,
    async close() {
      // Its own promise stays open when the connection dies first.
      if (open) void model.close().catch(() => {});
      await closed.promise;
    },
  };
}
