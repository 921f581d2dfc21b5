import type { Receipt } from './mailbox.ts';
import type { Bus, Consumer, Delivery } from '#shared/bus/bus.ts';
import type { Clock } from '#shared/clock.ts';

export interface Consumers {
  open(): Promise<void>;
  /** Closes every channel; what was not acknowledged goes back to the broker in place. */
  close(): Promise<void>;
  /** Acknowledges at the end of the turn, together with what else is done by then. */
  ack(receipt: Receipt): void;
  flush(): void;
  /** Whether what came on this channel can still be acknowledged. */
  alive(channel: number): boolean;
  /** Some delivery is not acknowledged yet. */
  waiting(): boolean;
  ready(): boolean;
}

/** The registrations of an engine: one channel per partition queue. */
export function createConsumers(options: {
  readonly bus: Bus;
  readonly clock: Clock;
  readonly queues: readonly string[];
  readonly prefetch: number;
  readonly onDelivery: (receipt: Receipt) => void;
  readonly onChannelLost: (channel: number) => void;
  readonly onAck: () => void;
}): Consumers {
  const { bus, clock, queues, prefetch } = options;
  const open = new Map<string, Consumer>();
  /** Living channels, with the number of deliveries that each still has to be told about. */
  const channels = new Map<number, number>();
  let done = new Map<Consumer, Delivery[]>();

  function lose(channel: number): void {
    channels.delete(channel);
    options.onChannelLost(channel);
  }

  async function register(queue: string): Promise<void> {
    const early: Delivery[] = [];
    let consumer: Consumer | undefined;
    consumer = await bus.consume(queue, {
      prefetch,
      onDelivery(delivery) {
        channels.set(delivery.channel, (channels.get(delivery.channel) ?? 0) + 1);
        if (consumer === undefined) early.push(delivery);
        else options.onDelivery({ delivery, consumer });
      },
      onChannelLost: lose,
    });
    open.set(queue, consumer);
    for (const delivery of early) if (channels.has(delivery.channel)) options.onDelivery({ delivery, consumer });
  }

  function flush(): void {
    const batch = done;
    done = new Map();
    for (const [consumer, deliveries] of batch) {
      consumer.ack(deliveries);
      for (const { channel } of deliveries) {
        const unacked = channels.get(channel);
        if (unacked !== undefined) channels.set(channel, unacked - 1);
      }
    }
    options.onAck();
  }

  return {
    async open() {
      await Promise.all(queues.filter((queue) => !open.has(queue)).map(register));
    },
    async close() {
      const closing = [...open.values()];
      open.clear();
      await Promise.all(closing.map((consumer) => consumer.close()));
      for (const channel of channels.keys()) lose(channel);
    },
    ack({ delivery, consumer }) {
      if (done.size === 0) clock.soon(flush);
      const deliveries = done.get(consumer);
      if (deliveries === undefined) done.set(consumer, [delivery]);
      else deliveries.push(delivery);
    },
    flush,
    alive: (channel) => channels.has(channel),
    waiting: () => channels.values().some((unacked) => unacked > 0),
    ready: () => open.size === queues.length && [...open.values()].every((consumer) => consumer.active),
  };
}
