import type { Delivery, Session } from '#shared/bus/bus.ts';
import type { Link } from './link.ts';
import type { MemoryCore } from './core.ts';
import { createMemoryPublisher } from './publisher.ts';
import { reasonOf } from '#shared/errors.ts';

export function createMemorySession(core: MemoryCore, link: Link): Session {
  const channel = link.openChannel();
  const publisher = createMemoryPublisher(core, () => (link.alive ? link : undefined), 1000);
  const closed = Promise.withResolvers<void>();
  const waiting = new Set<(error: Error) => void>();
  publisher.attach(link);
  link.onDown(() => {
    for (const reject of waiting) reject(gone());
    closed.resolve();
  });

  /** Runs at the broker, answers over the same connection. */
  function ask<Answer>(run: () => Answer): Promise<Answer> {
    if (!link.alive) return Promise.reject(gone());
    return new Promise((resolve, reject) => {
      waiting.add(reject);
      link.toBroker.push(() => {
        let settle: () => void;
        try {
          const answer = run();
          settle = () => resolve(answer);
        } catch (thrown) {
          const error = thrown instanceof Error ? thrown : new Error(reasonOf(thrown));
          settle = () => reject(error);
        }
        link.toClient.push(() => {
          waiting.delete(reject);
          settle();
        });
      });
    });
  }

  return {
    declareExchange: (spec) => ask(() => core.declareExchange(spec)),
    declareQueue: (spec) => ask(() => core.declareQueue(spec, link.owner)),
    bind: (binding) => ask(() => core.bind(binding, true)),
    unbind: (binding) => ask(() => core.bind(binding, false)),
    publish: (exchange, packet, routingKey) =>
      link.alive ? publisher.publish(exchange, packet, routingKey) : Promise.reject(gone()),
    get: (queue) => ask(() => channel.get(queue)),
    consume: (queue, prefetch, onDelivery) =>
      ask(() =>
        channel.consume(queue, { prefetch, noAck: false }, (delivery) =>
          link.toClient.push(() => {
            onDelivery(delivery);
          }),
        ),
      ),
    ack({ tag, channel: of }: Delivery) {
      if (of === channel.id) link.toBroker.push(() => channel.ack([tag]));
    },
    release({ tag, channel: of }) {
      if (of === channel.id) link.toBroker.push(() => channel.release(tag));
    },
    depth: (queue) => ask(() => core.queue(queue, link.owner).ready.length),
    closed: closed.promise,
    close() {
      link.end('arrives');
      return Promise.resolve();
    },
  };
}

function gone(): Error {
  return new Error('the session is closed');
}
