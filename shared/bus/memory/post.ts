import type { Packet, Post } from '#shared/bus/bus.ts';
import { unsendable } from '#shared/bus/unsendable.ts';
import { PublishError } from '#shared/errors.ts';
import type { MemoryCore } from './core.ts';
import type { Link } from './link.ts';

/** Publishes over whatever link is current, without confirms. */
export function createMemoryPost(
  core: MemoryCore,
  current: () => Link | undefined,
  onReturned: (packet: Packet, exchange: string) => void,
): Post {
  let closed = false;
  return {
    send(exchange, packet, routingKey = '') {
      const link = closed ? undefined : current();
      if (link === undefined) throw new PublishError('not-connected', exchange, 'there is no connection to the broker');
      const problem = unsendable(exchange, packet, routingKey);
      if (problem !== undefined) throw new PublishError('nacked', exchange, problem);
      link.toBroker.push(() => {
        if (core.publish(exchange, routingKey, packet) !== 'returned') return;
        link.toClient.push(() => {
          if (!closed) onReturned(packet, exchange);
        });
      });
    },
    close() {
      closed = true;
      return Promise.resolve();
    },
  };
}
