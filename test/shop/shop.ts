/** A shop in memory, seen from its door: goods on shelves, customers with money, orders, and what is booked of it all. */
import { createDoor } from '#test/town/door.ts';
import { areShelved, shelve, shelvesOf } from '#test/town/shelves.ts';
import type { Outside } from '#test/town/outside.ts';
import { startTown, type TownOptions } from '#test/town/town.ts';
import { isEnded } from '#test/support/place.ts';
import { i6NoOversell, in12MovementsAddUp, in12SoldIsOrdered } from '#test/support/stock-invariants.ts';
import type { Good } from '#local/stack/demo-catalogue.ts';
import type { OrderView } from '#services/order/view.ts';
import type { Provider } from '#services/payment/provider.ts';
import { placeOrder4 } from '#services/saga/place-order-versions.ts';
import type { OrderLogView } from '#services/saga/logs-view.ts';
import { sagaEntity } from '#services/saga/saga.ts';
import { usualRetrying, type Retrying } from '#services/saga/retrying.ts';
import { moved, type Movement } from '#services/stock/movements.ts';
import type { Entity } from '#shared/entity/entity.ts';
import type { SagaTimeline as Timeline } from '#shared/saga/timeline-shape.ts';

export type Line = readonly [sku: string, quantity: number];

type Outsiders = Partial<Pick<Outside, 'mailer' | 'warehouse'>>;

export interface ShopOptions {
  readonly goods: readonly Good[];
  readonly retrying?: Partial<Retrying>;
  /** Made of the one that approves everything. */
  readonly provider?: (usual: Provider, outside: Outside) => Provider;
  /** In the place of those who deliver everything. */
  readonly outsiders?: Outsiders;
  /** What services publish and consume through. */
  readonly through?: TownOptions['through'];
  /** What writing takes, and who is told of it. */
  readonly writing?: Pick<TownOptions, 'commitMs' | 'history'>;
}

export const RETRY_MS = 1000;
const FUNDS = 1_000_000_000;

export async function openShop({
  goods,
  retrying,
  provider = (usual) => usual,
  outsiders = {},
  through,
  writing,
}: ShopOptions) {
  const own: { provider?: Provider } = {};
  const ports = {
    ...outsiders,
    retrying: { ...usualRetrying, delayMs: RETRY_MS, ...retrying },
    provider: new Proxy({} as Provider, { get: (_, name) => own.provider![name as keyof Provider] }),
  };
  const town = await startTown({
    ports,
    ...(through && { through }),
    ...writing,
    entities: { saga: (given) => sagaEntity([placeOrder4(ports.retrying)], given as never) as Entity<unknown> },
  });
  const { clock, broker, homes, outside } = town;
  own.provider = provider(outside.provider, outside);
  const { ask, answered } = createDoor(town);
  const stock = homes.get('stock')!.store;
  shelve(broker, goods);
  await clock.until(() => areShelved(stock, goods));

  const bodyOf = (customerId: string, lines: readonly Line[]) => ({
    customerId,
    email: `${customerId}@example.org`,
    items: lines.map(([sku, quantity]) => ({ sku, quantity })),
  });
  const hasEnded = (orderId: string): boolean => {
    const order = town.state<{ readonly status: string }>('order', orderId);
    const saga = town.state<{ readonly phase: string }>('saga', orderId);
    return order !== undefined && isEnded(order as Pick<OrderView, 'status'>) && saga?.phase === 'ended';
  };

  const shop = {
    ...town,
    answered,
    async topUp(customerId: string, amount = FUNDS): Promise<void> {
      await answered('POST', `/v1/wallets/${customerId}/top-ups`, { body: { amount, currency: 'EUR' } });
    },
    /** Places orders at once; gives their ids. */
    async place(...orders: readonly (readonly [customerId: string, ...lines: readonly Line[]])[]) {
      const asked = orders.map(([customerId, ...lines]) =>
        ask<OrderView>('POST', '/v1/orders', { body: bodyOf(customerId, lines) }),
      );
      return (await clock.during(Promise.all(asked))).map(({ status, body }) => {
        if (status !== 202) throw new Error(`an order answered ${status} ${JSON.stringify(body)}`);
        return body.id;
      });
    },
    order: async (orderId: string) => (await answered<OrderView>('GET', `/v1/orders/${orderId}`)).body,
    timeline: async (orderId: string) => (await answered<Timeline>('GET', `/v1/orders/${orderId}/timeline`)).body,
    async level(sku: string) {
      const { body } = await answered<{ onHand: number; reserved: number; available: number }>(
        'GET',
        `/v1/stock/${sku}`,
      );
      return [body.onHand, body.reserved, body.available] as const;
    },
    async restock(sku: string, delta: number): Promise<number> {
      const body = { delta, reason: 'delivered' };
      return (await answered('POST', `/v1/stock/${sku}/adjustments`, { body })).status;
    },
    async rows(orderId: string): Promise<readonly OrderLogView[]> {
      return (await answered<{ items: OrderLogView[] }>('GET', `/v1/orders/${orderId}/logs`)).body.items;
    },
    /** How the log of an order reads, oldest first. */
    log: async (orderId: string) => (await shop.rows(orderId)).map(({ status }) => status as string),
    async ended(orderIds: readonly string[]): Promise<readonly OrderView[]> {
      await clock.until(() => orderIds.every(hasEnded), 3_600_000);
      await clock.advance(1000);
      return Promise.all(orderIds.map((orderId) => clock.during(shop.order(orderId))));
    },
    /** Of an item, in the order in which they were booked. */
    booked: (sku: string, kind?: string): readonly Movement[] =>
      ((shelvesOf(stock).find((one) => one.sku === sku)?.movements ?? []) as readonly Movement[])
        .filter((movement) => kind === undefined || movement.kind === kind)
        .toSorted((a, b) => a.seq - b.seq),
    mailsOf: (orderId: string) => outside.mails.filter(({ headers }) => headers['X-Order-Id'] === orderId),
    /** What does not add up: of the items at rest, of the orders, and of each item after each of its movements. */
    async wrong(orderIds: readonly string[]): Promise<readonly string[]> {
      const orders: { order: OrderView; timeline: Timeline }[] = [];
      for (const id of orderIds) orders.push({ order: await shop.order(id), timeline: await shop.timeline(id) });
      const rest = { orders, shelves: shelvesOf(stock) };
      const below = shelvesOf(stock).flatMap(({ sku }) => {
        let now = { onHand: 0, reserved: 0 };
        return shop.booked(sku).flatMap((movement) => {
          now = moved(now, movement);
          const isSound = now.reserved >= 0 && now.onHand >= now.reserved;
          return isSound ? [] : [`${sku}: ${now.onHand} on hand, ${now.reserved} reserved after ${movement.id}`];
        });
      });
      return [...below, ...[i6NoOversell, in12MovementsAddUp, in12SoldIsOrdered].flatMap((check) => check(rest))];
    },
  };
  return shop;
}

/** Declines the first so many authorizations of each order, whichever payment they are for. */
export function decliningFirst(times: number): NonNullable<ShopOptions['provider']> {
  return (usual) => {
    const asked = new Map<string, Set<string>>();
    return {
      ...usual,
      async authorize(request) {
        const keys = asked.get(request.orderId) ?? new Set<string>();
        asked.set(request.orderId, keys.add(request.idempotencyKey));
        const nth = [...keys].indexOf(request.idempotencyKey) + 1;
        return nth <= times ? { approved: false, reason: 'card_declined' } : usual.authorize(request);
      },
    };
  };
}
