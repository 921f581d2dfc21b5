import type { Bus } from './bus.ts';
import { PublishError } from '#shared/errors.ts';

/** The same bus; `onRefused` is told of every message that an open route gave back. */
export function tellingRefusals(bus: Bus, onRefused: (exchange: string) => void): Bus {
  return {
    publish(exchange, packet, routingKey) {
      const published = bus.publish(exchange, packet, routingKey);
      published.catch((error: unknown) => {
        if (error instanceof PublishError && error.code === 'returned' && exchange.endsWith('.in')) onRefused(exchange);
      });
      return published;
    },
    consume: bus.consume,
    subscribe: bus.subscribe,
    post: bus.post,
    session: bus.session,
    get connected() {
      return bus.connected;
    },
    get blocked() {
      return bus.blocked;
    },
    close: bus.close,
  };
}
