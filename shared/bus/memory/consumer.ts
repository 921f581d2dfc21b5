import type { Bus, ConsumeOptions, Consumer, Packet } from '#shared/bus/bus.ts';
import type { Link, MemoryChannel } from './link.ts';
import type { MemoryCore } from './core.ts';

/** A registration that is made again on every new link. */
export interface MemoryRegistration {
  readonly active: boolean;
  /** Called for every new link. Throws `BrokerRefusal` the first time. */
  attach(link: Link): void;
  close(): Promise<void>;
}

/** One queue, one channel at a time. `first` settles with the first registration. */
export function createMemoryConsumer(
  queue: string,
  options: ConsumeOptions,
  onClosed: () => void,
): MemoryRegistration & { readonly consumer: Consumer; readonly first: Promise<void> } {
  const first = Promise.withResolvers<void>();
  let closed = false;
  let current: { readonly link: Link; readonly channel: MemoryChannel } | undefined;
  let active = false;

  function close(): Promise<void> {
    closed = true;
    active = false;
    onClosed();
    if (current === undefined) return Promise.resolve();
    const { link, channel } = current;
    current = undefined;
    return new Promise((resolve) => {
      link.onDown(resolve);
      link.toBroker.push(() => {
        channel.close();
        link.toClient.push(resolve);
      });
    });
  }

  const consumer: Consumer = {
    queue,
    get active() {
      return active;
    },
    ack(deliveries) {
      if (current === undefined) return;
      const { link, channel } = current;
      const tags = deliveries.filter((delivery) => delivery.channel === channel.id).map(({ tag }) => tag);
      if (tags.length > 0) link.toBroker.push(() => channel.ack(tags));
    },
    close,
  };

  return {
    close,
    consumer,
    get active() {
      return active;
    },
    first: first.promise,
    attach(link) {
      if (closed) return;
      const channel = link.openChannel();
      current = { link, channel };
      link.onDown(() => {
        if (current?.channel !== channel) return;
        const wasActive = active;
        current = undefined;
        active = false;
        if (wasActive) options.onChannelLost(channel.id);
      });
      link.toBroker.push(() => {
        try {
          channel.consume(queue, { prefetch: options.prefetch, noAck: false }, (delivery) =>
            link.toClient.push(() => {
              if (current?.channel === channel && !closed) options.onDelivery(delivery, consumer);
            }),
          );
        } catch (refusal) {
          first.reject(refusal);
          return;
        }
        active = true;
        link.toClient.push(() => {
          if (current?.channel === channel && !closed) options.onRegistered?.();
          first.resolve();
        });
      });
    },
  };
}

/** A private queue on every new link, bound to `exchange`. */
export function createMemorySubscription(
  core: MemoryCore,
  exchange: string,
  routingKeys: readonly string[],
  onPacket: (packet: Packet, routingKey: string) => void,
  onClosed: () => void,
): MemoryRegistration & {
  readonly subscription: Awaited<ReturnType<Bus['subscribe']>>;
  readonly first: Promise<void>;
} {
  const first = Promise.withResolvers<void>();
  let current: { readonly link: Link; readonly channel: MemoryChannel; readonly queue: string } | undefined;
  let closed = false;

  function close(): Promise<void> {
    closed = true;
    onClosed();
    if (current?.link.alive) {
      current.channel.close();
      core.deleteQueue(current.queue);
    }
    return Promise.resolve();
  }

  return {
    close,
    get active() {
      return current?.link.alive === true;
    },
    first: first.promise,
    attach(link) {
      if (closed) return;
      const channel = link.openChannel();
      link.toBroker.push(() => {
        try {
          const queue = core.declareQueue({ name: '', type: 'classic', exclusive: true, arguments: {} }, link.owner);
          for (const routingKey of routingKeys)
            core.bind({ source: exchange, destination: queue, to: 'queue', routingKey }, true);
          channel.consume(queue, { prefetch: 0, noAck: true }, ({ packet }, routingKey) =>
            link.toClient.push(() => {
              if (!closed) onPacket(packet, routingKey);
            }),
          );
          current = { link, channel, queue };
          link.toClient.push(first.resolve);
        } catch (refusal) {
          first.reject(refusal);
        }
      });
    },
    subscription: { close },
  };
}
