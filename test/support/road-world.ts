/** Every entity of the road on its own engine, over the in-memory broker and store, under the virtual clock. */
import { recordsIn } from './records.ts';
import { createVirtualClock } from './virtual-clock.ts';
import { details } from '#test/services/saga/cases.ts';
import { createDeliveries } from '#local/stand-ins/warehouse/deliveries.ts';
import { deliveryIdOf } from '#services/delivery/contract.ts';
import { deliveryEntity } from '#services/delivery/delivery.ts';
import { warehouseOf } from './warehouse.ts';
import { mailEffect, notificationEntity, type Mail } from '#services/notify/notification.ts';
import { place, type OrderDetails } from '#services/order/contract.ts';
import { orderEntity, type OrderState } from '#services/order/order.ts';
import { paymentIdOf } from '#services/payment/contract.ts';
import { paymentEntity, type PaymentState } from '#services/payment/payment.ts';
import { routeTable } from '#services/services.ts';
import { definitions } from '#services/saga/place-order-versions.ts';
import { sagaEntity, type OrderDefinition, type OrderSaga } from '#services/saga/saga.ts';
import { timelineOf } from '#shared/saga/timeline.ts';
import { topUp } from '#services/wallet/contract.ts';
import type { Entry } from '#services/wallet/ledger.ts';
import { walletEntity, type WalletState } from '#services/wallet/wallet.ts';
import type { Bus, Packet } from '#shared/bus/bus.ts';
import { encode } from '#shared/bus/envelope.ts';
import { createMemoryBroker } from '#shared/bus/memory/memory-bus.ts';
import { inbox, partitionQueues, topologyOf } from '#shared/bus/topology/topology.ts';
import { bytesOf } from '#shared/entity/document.ts';
import { createEngine } from '#shared/entity/engine.ts';
import type { Entity } from '#shared/entity/entity.ts';
import { limitsFor } from '#shared/entity/options.ts';
import { createMemoryStore, type MemoryStore } from '#shared/entity/stores/memory-store.ts';
import { createFaults } from '#shared/host/faults.ts';
import { silentLog } from '#shared/log.ts';
import type { Message } from '#shared/message.ts';

const TTL_MS = 10_000;
export const FUNDS = 10_000;

export async function createRoadWorld(
  seed = 1,
  roads: readonly OrderDefinition[] = definitions,
  order: OrderDetails = details,
) {
  const clock = createVirtualClock(seed);
  const broker = createMemoryBroker({ clock });
  broker.apply(topologyOf(routeTable, { ttlMs: TTL_MS, delayMs: 2000 }, 'test'));
  const mails: Mail[] = [];
  const captured = new Set<string>();
  const deliveries = createDeliveries();
  let isLost = (_packet: Packet, _exchange: string): boolean => false;
  const control = broker.connect('gateway');
  /** By service, what its largest document took when it was written, bytes of JSON. */
  const largest = new Map<string, number>();
  const stores = new Map<string, Pick<MemoryStore<unknown>, 'documents'>>();

  const losing = (bus: Bus): Bus => ({
    ...bus,
    publish: (exchange, packet, routingKey) =>
      isLost(packet, exchange) ? Promise.resolve() : bus.publish(exchange, packet, routingKey),
  });

  async function host<State>(
    name: string,
    entityOf: (store: ReturnType<typeof createMemoryStore<State>>) => Entity<State>,
  ) {
    const store = createMemoryStore<State>();
    const bus = broker.connect(name);
    const entity = entityOf(store);
    const handles = (): readonly string[] => entity.handlers.map(({ type }) => type.name);
    const faults = createFaults(name, { clock, log: silentLog, exit: () => {}, handles });
    await clock.during(faults.listen(bus, async () => {}));
    const engine = createEngine<State>({
      entity,
      bus: losing(bus),
      store: {
        ...store,
        commit(writes) {
          for (const { document } of writes) largest.set(name, Math.max(largest.get(name) ?? 0, bytesOf(document)));
          return store.commit(writes);
        },
      },
      clock,
      log: silentLog,
      queues: partitionQueues(routeTable, name),
      limits: limitsFor(TTL_MS),
      intercept: faults.intercept,
    });
    await clock.during(engine.start());
    stores.set(name, store);
    return store;
  }

  const orders = await host<OrderState>('order', () => orderEntity);
  const sagas = await host<OrderSaga>('saga', () =>
    sagaEntity(roads, {
      stepDeadlineMs: 60_000,
      sagaDeadlineMs: 600_000,
      resend: { baseMs: 5000, capMs: 60_000 },
      log: silentLog,
    }),
  );
  const wallets = await host<WalletState>('wallet', (store) =>
    walletEntity({
      findRecords: recordsIn(store.journal),
    }),
  );
  const payments = await host<PaymentState>('payment', () =>
    paymentEntity({
      provider: {
        authorize: async () => ({ approved: true }),
        capture: async ({ paymentId }) => (captured.add(paymentId), { approved: true }),
        void: async () => {},
        refund: async ({ paymentId }) => ({ refunded: captured.delete(paymentId) }),
      },
    }),
  );
  await host('delivery', () => deliveryEntity({ warehouse: warehouseOf(deliveries) }));
  await host('notify', () =>
    notificationEntity({
      mailer: { send: async (mail) => (mails.push(mail), { accepted: true, at: clock.now() }) },
      effect: mailEffect(600_000),
    }),
  );

  const { orderId, customerId } = order;
  const saga = (): OrderSaga | undefined => sagas.documents.get(orderId)?.state;

  const placing: Message = {
    id: `${orderId}:place`,
    type: place.name,
    key: orderId,
    body: order,
    correlationId: orderId,
    replyTo: { route: 'saga', key: orderId },
  };

  const world = {
    clock,
    broker,
    mails,
    captured,
    largest,
    /** By service. */
    stores,
    /** What begins the order. */
    placing,
    /** What the warehouse thinks of the order's delivery. */
    get delivered() {
      return deliveries.find(deliveryIdOf(orderId))?.status;
    },
    /** From now on the broker takes such packets and they arrive nowhere. */
    lose(which: (packet: Packet, exchange: string) => boolean): void {
      isLost = which;
    },
    /** What the saga and the order of the one order are stored as. */
    stored: () => ({ saga: sagas.documents.get(orderId)!, order: orders.documents.get(orderId)! }),
    get order() {
      return orders.documents.get(orderId)?.state;
    },
    get wallet() {
      return wallets.documents.get(customerId)?.state;
    },
    get payment() {
      return payments.documents.get(paymentIdOf(orderId))?.state;
    },
    get hasBegun() {
      const state = saga();
      return state !== undefined && state.phase !== 'unknown';
    },
    get timeline() {
      const state = saga();
      if (state === undefined || state.phase === 'unknown') throw new Error('no saga has begun');
      return timelineOf(orderId, state, roads[0]);
    },
    entries: () => [...wallets.journal.values()] as unknown as readonly Entry[],
    async fault(service: string, faults: object): Promise<void> {
      const content = Buffer.from(JSON.stringify({ id: clock.id(), service, faults }));
      await clock.during(control.publish('control', { content, headers: {} }, `faults.${service}`));
      await clock.settle();
    },
    /** A wallet with funds and an order on its way. */
    async start(): Promise<void> {
      const amount = { amount: Math.max(FUNDS, order.total.amount), currency: order.total.currency };
      const money = { customerId, topUpId: 'top-up-1', amount };
      broker.put(
        inbox('wallet'),
        encode({ id: 'top-up-1', type: topUp.name, key: customerId, body: money, correlationId: 'top-up-1' }),
      );
      await clock.until(() => world.wallet?.available === amount.amount);
      broker.put(inbox('order'), encode(placing));
    },
    async ended(): Promise<void> {
      await clock.until(() => saga()?.phase === 'ended', 3_600_000);
    },
  };
  return world;
}

export type RoadWorld = Awaited<ReturnType<typeof createRoadWorld>>;
