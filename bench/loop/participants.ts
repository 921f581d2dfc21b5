import { createConnection, type Connection } from 'mongoose';
import { deliveryEntity } from '#services/delivery/delivery.ts';
import { deliveriesCollection } from '#services/delivery/model.ts';
import type { Warehouse } from '#services/delivery/warehouse.ts';
import type { Provider } from '#services/payment/provider.ts';
import type { Mailer } from '#services/notify/notification.ts';
import { notificationEntity } from '#services/notify/notification.ts';
import { notificationsCollection } from '#services/notify/model.ts';
import { orderIndexes, ordersCollection } from '#services/order/model.ts';
import { orderEntity } from '#services/order/order.ts';
import { paymentIndexes, paymentsCollection } from '#services/payment/model.ts';
import { paymentEntity } from '#services/payment/payment.ts';
import { SAGA_ROUTE } from '#services/saga/contract.ts';
import { routeTable } from '#services/services.ts';
import { definitions } from '#services/saga/place-order-versions.ts';
import { sagasCollection } from '#services/saga/model.ts';
import { sagaEntity, type OrderSaga } from '#services/saga/saga.ts';
import { entriesCollection, entryIndexes, findRecordsIn, walletsCollection } from '#services/wallet/model.ts';
import { walletEntity, type WalletState } from '#services/wallet/wallet.ts';
import { connectAmqp } from '#shared/bus/amqp/amqp-bus.ts';
import type { Bus } from '#shared/bus/bus.ts';
import { partitionQueues } from '#shared/bus/topology/topology.ts';
import { systemClock } from '#shared/clock.ts';
import { createEngine } from '#shared/entity/engine.ts';
import type { Entity } from '#shared/entity/entity.ts';
import { limitsFor } from '#shared/entity/options.ts';
import { createMemoryStore } from '#shared/entity/stores/memory-store.ts';
import { createMongoStore, type MongoStoreOptions } from '#shared/entity/stores/mongo-store.ts';
import { silentLog } from '#shared/log.ts';
import { createRegistry, engineMeter } from '#shared/host/metrics.ts';

export const participants = ['order', 'payment', 'wallet', 'delivery', 'notify', 'saga'] as const;
export type Participant = (typeof participants)[number];

export interface HostOptions {
  readonly amqpUrl: string;
  /** In place of a connection to `amqpUrl`. */
  readonly connect?: ((name: string) => Bus) | undefined;
  /** Absent: documents in memory. */
  readonly mongoUrl?: string;
  readonly ttlMs: number;
  /** Queues of a route; absent: as many as the product has. */
  readonly partitions?: number | undefined;
  /** With the counters that a service has. */
  readonly metrics?: boolean | undefined;
  /** The last message of an order's saga was applied. */
  readonly onCompleted: (orderId: string) => void;
  readonly onMessage: (type: string) => void;
}

/** Approves at once: what a provider takes is not the engine's. */
const provider: Provider = {
  authorize: async () => ({ approved: true }),
  capture: async () => ({ approved: true }),
  void: async () => {},
  refund: async () => ({ refunded: true }),
};
const warehouse: Warehouse = { dispatch: async () => ({ accepted: true }), cancel: async () => {} };
const mailer: Mailer = { send: async () => ({ accepted: true, at: systemClock.now() }) };

/** Runs one service's entity as its `main.ts` does, on a connection of its own, with a provider, a warehouse and a mail server that take no time. */
export async function host(name: Participant, options: HostOptions): Promise<() => Promise<void>> {
  const db = options.mongoUrl === undefined ? undefined : await createConnection(options.mongoUrl).asPromise();
  const stop = await start(name, options, db);
  return async () => {
    await stop();
    await db?.close();
  };
}

function start(name: Participant, options: HostOptions, db: Connection | undefined): Promise<() => Promise<void>> {
  switch (name) {
    case 'order':
      return run(orderEntity, { collection: ordersCollection, indexes: orderIndexes }, options, db);
    case 'payment':
      return run(paymentEntity({ provider }), { collection: paymentsCollection, indexes: paymentIndexes }, options, db);
    case 'wallet': {
      const memory = createMemoryStore<WalletState>();
      const inMemory = async (ids: readonly string[]) => ids.flatMap((id) => memory.journal.get(id) ?? []);
      const findRecords = db === undefined ? inMemory : findRecordsIn(db);
      const journal = { journal: entriesCollection, journalIndexes: entryIndexes };
      return run(walletEntity({ findRecords }), { collection: walletsCollection, ...journal }, options, db, memory);
    }
    case 'delivery':
      return run(deliveryEntity({ warehouse }), { collection: deliveriesCollection }, options, db);
    case 'notify':
      return run(notificationEntity({ mailer }), { collection: notificationsCollection }, options, db);
    case 'saga':
      return run(
        sagaEntity(definitions, {
          stepDeadlineMs: 60_000,
          sagaDeadlineMs: 600_000,
          resend: { baseMs: 5000, capMs: 60_000 },
          log: silentLog,
        }),
        { collection: sagasCollection },
        options,
        db,
      );
  }
}

async function run<State>(
  entity: Entity<State>,
  storeOptions: MongoStoreOptions,
  { amqpUrl, connect = amqp(amqpUrl), ttlMs, partitions, metrics, onCompleted, onMessage }: HostOptions,
  db: Connection | undefined,
  memory = createMemoryStore<State>(),
): Promise<() => Promise<void>> {
  const { route } = entity;
  const bus = connect(route);
  const mongo = db === undefined ? undefined : createMongoStore<State>(db, storeOptions);
  await mongo?.prepare();
  const table = { ...routeTable, partitions: partitions ?? routeTable.partitions };
  const engine = createEngine<State>({
    entity,
    bus,
    store: mongo ?? memory,
    clock: systemClock,
    log: silentLog,
    queues: partitionQueues(table, route),
    limits: limitsFor(ttlMs),
    ...(metrics === true ? { meter: engineMeter(createRegistry(route)) } : {}),
    intercept(_handler, _state, { message }, call) {
      onMessage(message.type);
      const result = call();
      if (route === SAGA_ROUTE && !(result instanceof Promise)) {
        if (hasEnded(result.state as OrderSaga | undefined)) onCompleted(message.key);
      }
      return result;
    },
  });
  await engine.start();
  return async () => {
    await engine.drain(5000);
    await bus.close();
  };
}

function amqp(url: string): (name: string) => Bus {
  return (name) => connectAmqp({ url, name, clock: systemClock, log: silentLog });
}

function hasEnded(state: OrderSaga | undefined): boolean {
  return state?.phase === 'ended';
}
