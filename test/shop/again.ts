/** A bus that delivers everything ten times, and loses the connection of whoever would acknowledge a message for the first time. */
import type { Bus, Consumer, Delivery } from '#shared/bus/bus.ts';
import { hash } from '#shared/bus/topology/topology.ts';
import type { MemoryBroker } from '#shared/bus/memory/memory-bus.ts';

export const COPIES = 10;

export function createAgain() {
  /** By service and message: how often it came. */
  const deliveries = new Map<string, number>();
  const cut = new Set<string>();
  const idOf = (service: string, { packet }: Delivery): string => `${service} ${packet.messageId}`;

  /** What was handled is published and confirmed by then; its delivery comes again, as after the end of a process. */
  function acknowledging(broker: MemoryBroker, service: string, consumer: Consumer): Consumer {
    return {
      ...consumer,
      ack(those) {
        const first = those.filter((one) => !cut.has(idOf(service, one)));
        if (first.length === 0) return consumer.ack(those);
        for (const one of first) cut.add(idOf(service, one));
        broker.dropConnection(service, { kind: 'consume' });
      },
    };
  }

  return {
    deliveries,
    cut,
    through: (bus: Bus, service: string, broker: MemoryBroker): Bus => ({
      ...bus,
      consume: (queue, options) =>
        bus.consume(queue, {
          ...options,
          onDelivery(delivery, consumer) {
            const id = idOf(service, delivery);
            const before = deliveries.get(id) ?? 0;
            deliveries.set(id, before + 1);
            if (before === 0) for (let n = 1; n < COPIES; n += 1) broker.put(hash(service), delivery.packet);
            options.onDelivery(delivery, acknowledging(broker, service, consumer));
          },
        }),
    }),
  };
}
