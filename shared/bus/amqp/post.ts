import type { Channel } from 'amqplib';
import { keepChannel, type KeptChannel } from './channel.ts';
import type { KeptConnection } from './connection.ts';
import { packetOf, transientOptions } from './packet.ts';
import { notConnected, whileBlocked, type MayPublish } from './publisher.ts';
import type { Packet, Post } from '#shared/bus/bus.ts';
import { unsendable } from '#shared/bus/unsendable.ts';
import type { Clock } from '#shared/clock.ts';
import { PublishError, reasonOf } from '#shared/errors.ts';
import type { Log } from '#shared/log.ts';

export interface PostContext {
  readonly connection: KeptConnection;
  readonly clock: Clock;
  readonly log: Log;
  readonly mayPublish: MayPublish | undefined;
}

/** Publishes on a channel without confirms: nobody waits for anything, and what the broker gives back is told. */
export function createAmqpPost(
  { connection, clock, log, mayPublish = () => true }: PostContext,
  onReturned: (packet: Packet, exchange: string) => void,
): { readonly kept: KeptChannel<Channel>; readonly post: Post } {
  let live: Channel | undefined;
  const kept = keepChannel<Channel>({
    connection,
    clock,
    log,
    what: 'posting',
    open: (model) => model.createChannel(),
    setUp(channel) {
      channel.on('return', (message) => onReturned(packetOf(message), message.fields.exchange));
      live = channel;
      return Promise.resolve();
    },
    onLost() {
      live = undefined;
    },
  });
  return {
    kept,
    post: {
      send(exchange, packet, routingKey = '') {
        const alarm = connection.blocked();
        if (alarm !== undefined) throw whileBlocked(exchange, alarm);
        if (live === undefined) throw notConnected(exchange);
        const problem = mayPublish(exchange, routingKey)
          ? unsendable(exchange, packet, routingKey)
          : 'this service has no right to publish there';
        if (problem !== undefined) throw new PublishError('nacked', exchange, problem);
        try {
          live.publish(exchange, routingKey, packet.content, transientOptions(packet));
        } catch (cause) {
          throw new PublishError('not-connected', exchange, reasonOf(cause), { cause });
        }
      },
      close() {
        live = undefined;
        return kept.close();
      },
    },
  };
}
