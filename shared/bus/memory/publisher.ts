import type { Packet } from '#shared/bus/bus.ts';
import type { Link } from './link.ts';
import type { MemoryCore } from './core.ts';
import { createSlots } from '#shared/slots.ts';
import { unsendable } from '#shared/bus/unsendable.ts';
import { PublishError } from '#shared/errors.ts';

export interface Publisher {
  publish(exchange: string, packet: Packet, routingKey?: string): Promise<void>;
  /** Resolves when nothing is outstanding any more. */
  idle(): Promise<void>;
}

/** Publishes over whatever link is current; `limit`: how many may wait for their confirm. */
export function createMemoryPublisher(
  core: MemoryCore,
  current: () => Link | undefined,
  limit: number,
): Publisher & { attach(link: Link): void } {
  const slots = createSlots(limit);
  const outstanding = new Set<() => void>();

  function send(link: Link, exchange: string, packet: Packet, routingKey: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const lost = (): void =>
        fail(new PublishError('outcome-unknown', exchange, 'the connection was lost before the confirm'));
      const settle = (): void => {
        outstanding.delete(lost);
        slots.release();
      };
      const fail = (error: PublishError): void => {
        settle();
        reject(error);
      };
      outstanding.add(lost);
      link.toBroker.push(() => {
        const outcome = core.publish(exchange, routingKey, packet);
        link.toClient.push(() => {
          if (outcome === 'confirmed') {
            settle();
            resolve();
          } else if (outcome === 'returned') fail(new PublishError('returned', exchange, 'nothing is bound there'));
          else fail(new PublishError('nacked', exchange, 'the broker refused it'));
        });
      });
    });
  }

  const notConnected = (exchange: string): PublishError =>
    new PublishError('not-connected', exchange, 'there is no connection to the broker');

  return {
    async publish(exchange, packet, routingKey = '') {
      if (current() === undefined) throw notConnected(exchange);
      const problem = unsendable(exchange, packet, routingKey);
      if (problem !== undefined) throw new PublishError('nacked', exchange, problem);
      if (!slots.tryTake() && !(await slots.wait())) throw notConnected(exchange);
      const link = current();
      if (link === undefined) {
        slots.release();
        throw notConnected(exchange);
      }
      await send(link, exchange, packet, routingKey);
    },
    idle: () => slots.idle(),
    attach(link) {
      link.onDown(() => {
        slots.refuseWaiting();
        for (const lost of outstanding) lost();
      });
    },
  };
}
