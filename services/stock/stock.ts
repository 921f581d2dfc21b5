import { handlersOfLevel } from './level.ts';
import { handlersOfOrders } from './orders.ts';
import { DEFAULT_ROOM, type StockRoom } from './room.ts';
import type { StockState } from './state.ts';
import type { Entity } from '#shared/entity/entity.ts';

export type { StockState } from './state.ts';

export interface StockOptions {
  /** How much of its past stays in the document; the rest is looked up. */
  readonly room?: StockRoom | undefined;
  /** How far the clocks of processes may be apart: an undo mark outlives its do's deadline by this. */
  readonly skewMs?: number | undefined;
}

/**
 * The stock of one SKU. Every movement is one record of the journal; what an order reserved is released or sold once, and what was
 * sold is returned at most once. Any order and number of copies of the four messages of a reservation ends the same way.
 *
 * Its document stays small whatever comes: what left it is told by the journal, where it is before it leaves the document.
 */
export function stockEntity({ room = DEFAULT_ROOM, skewMs = 30_000 }: StockOptions): Entity<StockState> {
  return { route: 'stock', handlers: [...handlersOfLevel(room), ...handlersOfOrders(room, skewMs)] };
}
