import { burialOf } from './letter.ts';
import type { LetterStore } from './store.ts';
import type { Bus, Consumer, Delivery } from '#shared/bus/bus.ts';
import { dead } from '#shared/bus/topology/topology.ts';
import type { Clock } from '#shared/clock.ts';
import { limited } from '#shared/database/limited.ts';
import { reasonOf } from '#shared/errors.ts';
import { insist } from '#shared/insist.ts';
import type { Log } from '#shared/log.ts';

export interface Draining {
  readonly ready: boolean;
  /** Takes nothing more; what is not stored yet stays in its queue. */
  stop(): Promise<void>;
}

const PREFETCH = 50;
const RETRY = { baseMs: 100, capMs: 10_000 };

/**
 * Empties `<route>.dead` of every route into the store: stored, then acknowledged. What comes twice is stored once, so any
 * number of copies may do this at the same time. What the database does not take stays in the queue.
 */
export function startDraining(options: {
  readonly bus: Pick<Bus, 'consume'>;
  readonly store: Pick<LetterStore, 'record'>;
  readonly routes: readonly string[];
  readonly clock: Clock;
  readonly log: Log;
}): Draining {
  const { bus, routes, clock, log } = options;
  const store = limited(options.store, clock);
  const lost = new Set<number>();
  const stopping = new AbortController();
  const underWay = new Set<Promise<void>>();

  async function drain(route: string): Promise<Consumer> {
    return bus.consume(dead(route), {
      prefetch: PREFETCH,
      onDelivery(delivery, consumer) {
        const work = take(route, delivery, consumer).finally(() => underWay.delete(work));
        underWay.add(work);
      },
      onChannelLost: (channel) => void lost.add(channel),
    });
  }

  /** Never rejects: what fails is tried again within. */
  async function take(route: string, delivery: Delivery, consumer: Consumer): Promise<void> {
    if (await keep(route, delivery)) consumer.ack([delivery]);
  }

  /** True when it is stored; false when there is nobody any more to acknowledge it to. */
  async function keep(route: string, { packet, channel }: Delivery): Promise<boolean> {
    const { signal } = stopping;
    const how = {
      warning: 'a dead letter cannot be stored, still trying; it stays in its queue',
      fields: { route, message: packet.messageId },
      backoff: RETRY,
      isWanted: () => !signal.aborted && !lost.has(channel),
      signal,
    };
    const kept = await insist(options, how, async () => {
      await store.record(burialOf(route, packet, clock.now()));
      return true;
    });
    return kept ?? false;
  }

  const consumers = Promise.all(routes.map(drain));
  let active: readonly Consumer[] = [];
  consumers.then(
    (all) => {
      active = all;
    },
    (error: unknown) => log.error('dead letters can not be read', { reason: reasonOf(error) }),
  );
  return {
    get ready() {
      return active.length === routes.length && active.every((consumer) => consumer.active);
    },
    async stop() {
      stopping.abort();
      await Promise.all(underWay);
      await Promise.all(active.map((consumer) => consumer.close()));
    },
  };
}
