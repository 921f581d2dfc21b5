import type { ConfirmChannel } from 'amqplib';
import { keepChannel } from './channel.ts';
import { connectOnceTo, keepConnected } from './connection.ts';
import { createOutage } from './outage.ts';
import { createAmqpConsumer, createAmqpSubscription } from './consumer.ts';
import {
  createChannelPublisher,
  notConnected,
  whileBlocked,
  PUBLISH_LIMITS,
  type MayPublish,
  type ChannelPublisher,
  type PublishLimits,
} from './publisher.ts';
import { createAmqpPost } from './post.ts';
import { createAmqpSession } from './session.ts';
import type { Bus, Session } from '#shared/bus/bus.ts';
import type { Clock } from '#shared/clock.ts';
import type { Log } from '#shared/log.ts';

export interface AmqpOptions {
  /** The service's own broker user, with vhost: `amqp://user:password@host:port/vhost`; of a cluster, several separated by commas. */
  readonly url: string;
  /** What the broker's management shows as the connections' names: `<name>:publish`, `:consume`, `:session`. */
  readonly name: string;
  readonly clock: Clock;
  readonly log: Log;
  /** A peer that is silent for up to three times this long counts as gone. Default 5. */
  readonly heartbeatS?: number;
  readonly limits?: PublishLimits;
  /** What is known of the user's rights: whatever it may not do is refused before it is sent. */
  readonly mayPublish?: MayPublish | undefined;
}

/** How long closing waits for confirms that are still outstanding. */
const CLOSE_PATIENCE_MS = 5000;

/** Returns at once; connects, and reconnects for ever, in the background. Declares nothing but the private queues of `subscribe`. */
export function connectAmqp({
  url,
  name,
  clock,
  log,
  heartbeatS = 5,
  limits = PUBLISH_LIMITS,
  mayPublish,
}: AmqpOptions): Bus {
  const [toPublish, toConsume] = [`${name}:publish`, `${name}:consume`];
  const outage = createOutage([toPublish, toConsume], { clock, log });
  const common = { url, heartbeatS, clock, log, outage };
  const publishing = keepConnected({ ...common, name: toPublish });
  const consuming = keepConnected({ ...common, name: toConsume });
  const context = { connection: consuming, clock, log };
  const registrations = new Set<{ readonly current: unknown; close(): Promise<void> }>();
  const sessions = new Set<Session>();
  let publisher: ChannelPublisher | undefined;

  const publishChannel = keepChannel<ConfirmChannel>({
    connection: publishing,
    clock,
    log,
    what: 'publishing',
    open: (model) => model.createConfirmChannel(),
    setUp(channel) {
      publisher = createChannelPublisher(channel, clock, limits, mayPublish);
      return Promise.resolve();
    },
    onLost() {
      publisher?.lost();
      publisher = undefined;
    },
  });

  async function registered<
    Kept extends { readonly first: Promise<void>; readonly current: unknown; close(): Promise<void> },
  >(kept: Kept): Promise<Kept> {
    registrations.add(kept);
    try {
      await kept.first;
      return kept;
    } catch (refusal) {
      registrations.delete(kept);
      await kept.close();
      throw refusal;
    }
  }

  return {
    publish(exchange, packet, routingKey) {
      const alarm = publishing.blocked();
      if (alarm !== undefined) return Promise.reject(whileBlocked(exchange, alarm));
      if (publisher === undefined) return Promise.reject(notConnected(exchange));
      return publisher.publish(exchange, packet, routingKey);
    },
    async consume(queue, options) {
      const { kept, consumer } = createAmqpConsumer(context, queue, options, () => registrations.delete(kept));
      await registered(kept);
      return consumer;
    },
    async subscribe(exchange, routingKeys, onPacket) {
      const kept = await registered(createAmqpSubscription(context, exchange, routingKeys, onPacket));
      return {
        async close() {
          registrations.delete(kept);
          await kept.close();
        },
      };
    },
    post(onReturned) {
      const { kept, post } = createAmqpPost({ connection: publishing, clock, log, mayPublish }, onReturned);
      registrations.add(kept);
      return {
        send: post.send,
        async close() {
          registrations.delete(kept);
          await post.close();
        },
      };
    },
    async session() {
      const session = await createAmqpSession(await connectOnceTo({ url, heartbeatS, name: `${name}:session` }), clock);
      sessions.add(session);
      void session.closed.then(() => sessions.delete(session));
      return session;
    },
    get connected() {
      return (
        publisher !== undefined &&
        consuming.current() !== undefined &&
        [...registrations].every(({ current }) => current !== undefined)
      );
    },
    get blocked() {
      return publishing.blocked();
    },
    async close() {
      outage.close();
      await Promise.all([...registrations].map((registration) => registration.close()));
      await consuming.close();
      await Promise.all([...sessions].map((session) => session.close()));
      const patience = new AbortController();
      await Promise.race([publisher?.idle(), clock.sleep(CLOSE_PATIENCE_MS, patience.signal).catch(() => {})]);
      patience.abort();
      await publishChannel.close();
      publisher?.lost();
      publisher = undefined;
      await publishing.close();
    },
  };
}
