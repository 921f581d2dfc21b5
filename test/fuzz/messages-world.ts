/** A town, and what became of each message. */
import { startTown } from '#test/town/town.ts';
import { routeTable } from '#services/services.ts';
import type { Packet } from '#shared/bus/bus.ts';
import { dead, expired, partitionQueues } from '#shared/bus/topology/topology.ts';
import type { Handler } from '#shared/entity/entity.ts';
import type { MemoryStore } from '#shared/entity/stores/memory-store.ts';
import { TOO_LATE } from '#shared/message.ts';

export interface Hosted {
  readonly route: string;
  readonly handlers: readonly Pick<Handler<unknown>, 'type'>[];
  readonly store: Pick<MemoryStore<unknown>, 'documents'>;
  /** Ids of messages whose handling was committed. */
  readonly handled: ReadonlySet<string>;
}

export async function startMessagesWorld(seed: number) {
  /** Ids of commands that were answered: their deadline had passed. */
  const late = new Set<string>();
  const handled = new Map<string, Set<string>>();
  const handledBy = (service: string): Set<string> => {
    const ids = handled.get(service) ?? new Set();
    handled.set(service, ids);
    return ids;
  };
  const { clock, broker, homes } = await startTown({
    seed,
    through: (bus) => ({
      ...bus,
      publish(exchange, packet, routingKey) {
        if (packet.type === TOO_LATE) late.add(String(packet.headers['causation-id']));
        return bus.publish(exchange, packet, routingKey);
      },
    }),
    history(service, { messages, outcome }) {
      if (outcome === 'committed') for (const { id } of messages) handledBy(service).add(id);
    },
  });
  const hosts = [...homes].map(([service, { entity, store }]): Hosted => {
    const handlers = entity.handlers.map(({ type }) => ({ type }));
    return { route: entity.route, handlers, store, handled: handledBy(service) };
  });
  const inPartitions = (route: string): number =>
    partitionQueues(routeTable, route)
      .map((queue) => broker.queue(queue))
      .reduce((sum, { ready, unacked }) => sum + ready.length + unacked, 0);

  return {
    clock,
    broker,
    hosts,
    late,
    waiting: () => hosts.reduce((sum, { route, store }) => sum + inPartitions(route) + stashed(store), 0),
    expiredOf: (route: string): readonly Packet[] => broker.queue(expired(route)).ready,
    deadOf: (route: string): readonly Packet[] => broker.queue(dead(route)).ready,
  };
}

export type MessagesWorld = Awaited<ReturnType<typeof startMessagesWorld>>;

function stashed({ documents }: Hosted['store']): number {
  return [...documents.values()].reduce((sum, { stash }) => sum + stash.length, 0);
}
