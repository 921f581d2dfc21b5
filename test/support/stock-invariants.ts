/** What must hold of the stock: at any time of each item, and at rest of the items and the orders together. */
import type { OrderView } from '#services/order/view.ts';

/** What was booked of an item, as the API tells it. */
export interface Booked {
  readonly kind: string;
  readonly quantity: number;
  readonly orderId?: string | undefined;
}

/** An item, with all its movements. */
export interface Shelf {
  readonly sku: string;
  readonly onHand: number;
  readonly reserved: number;
  readonly movements: readonly Booked[];
}

/** What is read of the shelves and of the orders that took from them. */
export interface Stocked {
  readonly shelves: readonly Shelf[];
  readonly orders: readonly {
    readonly order: Pick<OrderView, 'id' | 'status' | 'items'>;
    readonly timeline: { readonly steps: readonly { readonly name: string }[] };
  }[];
}
type StockChecker = (stocked: Stocked) => readonly string[];

const sum = (movements: readonly Booked[], kind: string): number =>
  movements.filter((one) => one.kind === kind).reduce((total, { quantity }) => total + quantity, 0);

/** I-6: nothing is sold that is not there. */
export const i6NoOversell: StockChecker = ({ shelves }) =>
  shelves
    .filter(({ onHand, reserved }) => onHand < 0 || reserved < 0 || reserved > onHand)
    .map(({ sku, onHand, reserved }) => `${sku}: ${onHand} on hand, ${reserved} reserved`);

/** IN-12: what is on hand is the sum of the movements, and nothing is reserved. */
export const in12MovementsAddUp: StockChecker = ({ shelves }) =>
  shelves.flatMap(({ sku, onHand, reserved, movements }) => {
    const received = sum(movements, 'received') + sum(movements, 'adjusted') - sum(movements, 'sold');
    const kept = sum(movements, 'reserved') - sum(movements, 'released') - sum(movements, 'sold');
    return [
      ...(received === onHand ? [] : [`${sku}: ${onHand} on hand, its movements say ${received}`]),
      ...(reserved === 0 && kept === 0 ? [] : [`${sku}: ${reserved} reserved at rest, its movements say ${kept}`]),
    ];
  });

/** IN-12: sold to an order, less what was returned, is what it ordered if it is completed; else nothing. */
export const in12SoldIsOrdered: StockChecker = ({ shelves, orders }) =>
  orders.flatMap(({ order, timeline }) => {
    // Before there was stock, orders took none.
    if (!timeline.steps.some(({ name }) => name.startsWith('commit-stock'))) return [];
    const skus = new Set(order.items.map(({ sku }) => sku));
    return [...skus].flatMap((sku) => {
      const all = shelves.find((one) => one.sku === sku)?.movements ?? [];
      const booked = all.filter(({ orderId }) => orderId === order.id);
      const sold = sum(booked, 'sold') - sum(booked, 'received');
      const ordered = order.items.filter((item) => item.sku === sku).reduce((all, { quantity }) => all + quantity, 0);
      const due = order.status === 'completed' ? ordered : 0;
      return sold === due ? [] : [`${order.id}: ${order.status}, ${sold} of ${sku} sold to it, not ${due}`];
    });
  });
