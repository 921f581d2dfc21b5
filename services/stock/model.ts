import type { StockState } from './state.ts';
import type { JournalRecord } from '#shared/entity/entity.ts';

export const stockCollection = 'stock_items';
export const movementsCollection = 'stock_movements';

/** For an item's movements, newest first; for what belongs to an order; for the open reservations that left an item's document. */
export const movementIndexes = [{ sku: 1, seq: -1 }, { orderId: 1 }, { openOf: 1, orderId: 1 }] as const;

/** What is read of a stored item; `_id` is the SKU. */
export interface StoredItem {
  readonly _id: string;
  readonly state?: StockState;
  /** Movements, and claims that left, that may not be in their collection yet. */
  readonly journal?: readonly JournalRecord[];
}
