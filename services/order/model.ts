import type { OrderState } from './order.ts';
import type { ArchiveRule } from '#shared/database/archive.ts';

export const ordersCollection = 'orders';

/** For the lists: a customer's orders, orders in a state, newest first (ids sort by time). */
export const orderIndexes = [
  { 'state.details.customerId': 1, _id: -1 },
  { 'state.status': 1, _id: -1 },
] as const;

export const orderArchive: ArchiveRule<OrderState> = {
  endedAt(state) {
    switch (state.status) {
      case 'unplaced':
        return 0;
      case 'pending':
      case 'paid':
        return undefined;
      case 'completed':
      case 'failed':
      case 'cancelled':
        return state.updatedAt;
    }
  },
};

/** What a view reads of a stored order; `_id` is the order's id. */
export interface StoredOrder {
  readonly _id: string;
  readonly state?: OrderState;
}
