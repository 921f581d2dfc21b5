import type { OrderState } from './order.ts';

export const ordersCollection = 'orders';

/** For the lists: a customer's orders, orders in a state, newest first (ids sort by time). */
export const orderIndexes = [
  { 'state.details.customerId': 1, _id: -1 },
  { 'state.status': 1, _id: -1 },
] as const;

/** What a view reads of a stored order; `_id` is the order's id. */
export interface StoredOrder {
  readonly _id: string;
  readonly state?: OrderState;
}
