/** One order on its way through a town. */
import { TIMING } from './outside.ts';
import type { Ports } from './residents.ts';
import { startTown } from './town.ts';
import { details } from '#test/services/saga/cases.ts';
import { deliveryIdOf } from '#services/delivery/contract.ts';
import type { DeliveryState } from '#services/delivery/delivery.ts';
import { mailEffect, type NotificationState } from '#services/notify/notification.ts';
import { place, type OrderDetails } from '#services/order/contract.ts';
import type { OrderState } from '#services/order/order.ts';
import { paymentIdOf } from '#services/payment/contract.ts';
import type { PaymentState } from '#services/payment/payment.ts';
import { definitions } from '#services/saga/place-order-versions.ts';
import { sagaEntity, type OrderDefinition, type OrderSaga, type SagaOptions } from '#services/saga/saga.ts';
import { open } from '#services/stock/contract.ts';
import type { StockState } from '#services/stock/state.ts';
import { topUp } from '#services/wallet/contract.ts';
import { isEntry } from '#services/wallet/ledger.ts';
import type { WalletState } from '#services/wallet/wallet.ts';
import type { Packet } from '#shared/bus/bus.ts';
import { encode } from '#shared/bus/envelope.ts';
import { inbox } from '#shared/bus/topology/topology.ts';
import type { Entity } from '#shared/entity/entity.ts';
import type { CommandType, Message } from '#shared/message.ts';
import { timelineOf } from '#shared/saga/timeline.ts';

export const FUNDS = 10_000;
export const STOCK = 1_000_000_000;

export interface RoadOptions {
  readonly seed?: number;
  readonly roads?: readonly OrderDefinition[];
  readonly order?: OrderDetails;
  /** Absent: more than enough of everything. */
  readonly stock?: number;
  readonly ports?: Ports;
}

export async function createRoad(options: RoadOptions = {}) {
  const { seed = 1, roads = definitions, order = details, stock: stocked = STOCK, ports } = options;
  let isLost = (_packet: Packet, _exchange: string): boolean => false;
  const town = await startTown({
    seed,
    ports: { effect: mailEffect(TIMING.sagaDeadlineMs), ...ports },
    entities: { saga: (ports) => sagaEntity(roads, ports as unknown as SagaOptions) as Entity<unknown> },
    through: (bus) => ({
      ...bus,
      publish: (exchange, packet, routingKey) =>
        isLost(packet, exchange) ? Promise.resolve() : bus.publish(exchange, packet, routingKey),
    }),
  });
  const { clock, broker, homes, outside } = town;
  const { orderId, customerId } = order;
  const skus = [...new Set(order.items.map(({ sku }) => sku))];
  const saga = (): OrderSaga | undefined => town.state('saga', orderId);
  const placing: Message = {
    id: `${orderId}:place`,
    type: place.name,
    key: orderId,
    body: order,
    correlationId: orderId,
    replyTo: { route: 'saga', key: orderId },
  };

  const road = {
    ...town,
    mails: outside.mails,
    captured: outside.captured,
    /** What begins the order. */
    placing,
    /** What the warehouse thinks of the order's delivery. */
    get delivered() {
      return outside.deliveries.find(deliveryIdOf(orderId))?.status;
    },
    /** From now on the broker takes such packets from the services and they arrive nowhere. */
    lose(which: (packet: Packet, exchange: string) => boolean): void {
      isLost = which;
    },
    /** What the saga and the order are stored as. */
    stored: () => ({
      saga: homes.get('saga')!.store.documents.get(orderId)!,
      order: homes.get('order')!.store.documents.get(orderId)!,
    }),
    get order() {
      return town.state<OrderState>('order', orderId);
    },
    get wallet() {
      return town.state<WalletState>('wallet', customerId);
    },
    get payment() {
      return town.state<PaymentState>('payment', paymentIdOf(orderId));
    },
    get delivery() {
      return town.state<DeliveryState>('delivery', orderId);
    },
    get notification() {
      return town.state<NotificationState>('notify', orderId);
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
    /** Of each SKU of the order. */
    get stock() {
      return skus.map((sku) => town.state<StockState>('stock', sku)!);
    },
    entries: () => [...homes.get('wallet')!.store.journal.values()].filter(isEntry),
    /** A command from somebody who wants no answer. */
    put<Body>(type: CommandType<Body>, body: Body, id: string, traced: Pick<Message, 'traceparent'> = {}): void {
      const message: Message = { id, type: type.name, key: type.key(body), body, correlationId: orderId, ...traced };
      broker.put(inbox(type.route), encode(message));
    },
    /** A wallet with funds, goods on the shelves, and the order on its way. */
    async start(funds = Math.max(FUNDS, order.total.amount)): Promise<void> {
      const amount = { amount: funds, currency: order.total.currency };
      road.put(topUp, { customerId, topUpId: 'top-up-1', amount }, 'top-up-1');
      for (const sku of skus) road.put(open, { sku, quantity: stocked }, `open:${sku}`);
      await clock.until(() => road.wallet?.available === funds && skus.every((sku) => town.state('stock', sku)));
      broker.put(inbox('order'), encode(placing));
    },
    /** Resolves when the step is outstanding. */
    async reaches(step: string): Promise<void> {
      await clock.until(() => road.hasBegun && road.timeline.waitingFor?.step === step);
    },
    async ended(): Promise<void> {
      await clock.until(() => saga()?.phase === 'ended', 3_600_000);
    },
  };
  return road;
}

export type Road = Awaited<ReturnType<typeof createRoad>>;
