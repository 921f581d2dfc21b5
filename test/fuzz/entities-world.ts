/** Every entity on its own engine, on the in-memory broker and stores, under the virtual clock; and what became of each message. */
import { recordsIn } from '#test/support/records.ts';
import { createDeliveries } from '#local/stand-ins/warehouse/deliveries.ts';
import { warehouseOf } from '#test/support/warehouse.ts';
import { createVirtualClock } from '#test/support/virtual-clock.ts';
import { deliveryEntity } from '#services/delivery/delivery.ts';
import { notificationEntity } from '#services/notify/notification.ts';
import { orderEntity } from '#services/order/order.ts';
import { paymentEntity } from '#services/payment/payment.ts';
import { routeTable } from '#services/services.ts';
import { definitions } from '#services/saga/place-order-versions.ts';
import { sagaEntity } from '#services/saga/saga.ts';
import { walletEntity, type WalletState } from '#services/wallet/wallet.ts';
import type { Packet } from '#shared/bus/bus.ts';
import { createMemoryBroker } from '#shared/bus/memory/memory-bus.ts';
import { dead, expired, partitionQueues, topologyOf } from '#shared/bus/topology/topology.ts';
import { createEngine } from '#shared/entity/engine.ts';
import type { Entity, Handler } from '#shared/entity/entity.ts';
import { limitsFor } from '#shared/entity/options.ts';
import { createMemoryStore, type MemoryStore } from '#shared/entity/stores/memory-store.ts';
import { silentLog } from '#shared/log.ts';
import { TOO_LATE } from '#shared/message.ts';

const TTL_MS = 10_000;

export interface Hosted {
  readonly route: string;
  readonly handlers: readonly Pick<Handler<unknown>, 'type'>[];
  readonly store: Pick<MemoryStore<unknown>, 'documents'>;
  /** Ids of messages whose handling was committed. */
  readonly handled: ReadonlySet<string>;
}

export async function startEntities(seed: number) {
  const clock = createVirtualClock(seed);
  const broker = createMemoryBroker({ clock });
  broker.apply(topologyOf(routeTable, { ttlMs: TTL_MS, delayMs: 2000 }, 'fuzz'));
  const hosts: Hosted[] = [];
  /** Ids of commands that were answered: their deadline had passed. */
  const late = new Set<string>();
  const deliveries = createDeliveries();

  async function host<State>(entityOf: (store: MemoryStore<State>) => Entity<State>): Promise<void> {
    const store = createMemoryStore<State>();
    const entity = entityOf(store);
    const bus = broker.connect(entity.route);
    const handled = new Set<string>();
    const engine = createEngine<State>({
      entity,
      bus: {
        ...bus,
        publish(exchange, packet, routingKey) {
          if (packet.type === TOO_LATE) late.add(String(packet.headers['causation-id']));
          return bus.publish(exchange, packet, routingKey);
        },
      },
      store,
      clock,
      log: silentLog,
      queues: partitionQueues(routeTable, entity.route),
      limits: limitsFor(TTL_MS),
      history: ({ messages, outcome }) => {
        if (outcome === 'committed') for (const { id } of messages) handled.add(id);
      },
    });
    await clock.during(engine.start());
    hosts.push({ route: entity.route, handlers: entity.handlers.map(({ type }) => ({ type })), store, handled });
  }

  await host(() => orderEntity);
  await host(() =>
    sagaEntity(definitions, {
      stepDeadlineMs: 60_000,
      sagaDeadlineMs: 600_000,
      resend: { baseMs: 5000, capMs: 60_000 },
      log: silentLog,
    }),
  );
  await host<WalletState>((store) =>
    walletEntity({
      findRecords: recordsIn(store.journal),
    }),
  );
  await host(() =>
    paymentEntity({
      provider: {
        authorize: async () => ({ approved: true }),
        capture: async () => ({ approved: true }),
        void: async () => {},
        refund: async () => ({ refunded: true }),
      },
    }),
  );
  await host(() => deliveryEntity({ warehouse: warehouseOf(deliveries) }));
  await host(() => notificationEntity({ mailer: { send: async () => ({ accepted: true, at: clock.now() }) } }));

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

export type EntitiesWorld = Awaited<ReturnType<typeof startEntities>>;

function stashed({ documents }: Hosted['store']): number {
  return [...documents.values()].reduce((sum, { stash }) => sum + stash.length, 0);
}
