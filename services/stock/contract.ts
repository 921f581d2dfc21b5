import { z } from 'zod';
import { epochMs, messageId, orderId, reason, sku, topUpId, totalQuantity, wordOf } from '#services/fields.ts';
import { auditFact } from '#shared/audited-thing.ts';
import { command, event } from '#shared/message.ts';
import { lookup } from '#shared/web/lookup.ts';

/** How many of one SKU there may be: with what all orders take, sums stay far below 2^53. */
export const MAX_ON_HAND = 1_000_000_000;
export const onHand = z.int().min(0).max(MAX_ON_HAND);
/** Names an adjustment within its item. */
export const adjustmentId = topUpId;
/** By how much what is on hand changes; not by 0. */
export const delta = z
  .int()
  .min(-MAX_ON_HAND)
  .max(MAX_ON_HAND)
  .refine((by) => by !== 0, 'must not be 0');
/** Counts the changes of an item. */
const version = z.int().min(0);

const ofOrder = { sku, orderId };
const level = z.int().min(0);
const changed = { sku, onHand: level, reserved: level, version };

export const opened = event('stock.opened', z.object({ sku }));
/** Begins to keep stock of a product; one that is open already stays as it is. */
export const open = command('stock.open', {
  body: z.object({ sku, quantity: onHand }),
  key: (body) => body.sku,
  done: opened,
});

export const closed = event('stock.closed', z.object({ sku }));
export const closeRefused = event(
  'stock.close-refused',
  z.object({ sku, reserved: level, /** How many orders have something reserved. */ openOrders: z.int().min(0) }),
);
/** Ends it: what is on hand is written off. Refused while anything is reserved. An item that was never opened is closed. */
export const close = command('stock.close', {
  body: z.object({ sku }),
  key: (body) => body.sku,
  done: closed,
  refused: closeRefused,
});

export const adjusted = event('stock.adjusted', z.object(changed));
export const adjustRefused = event(
  'stock.adjust-refused',
  z.object({
    sku,
    reason: wordOf(['stock_negative', 'unknown_sku', 'stale', 'limit_exceeded', 'conflicting_adjustment']),
  }),
);
/**
 * Changes what is on hand by `delta`, never below what is reserved. `adjustmentId` names it: again with the same delta it
 * answers as the item is by then, with another it is refused.
 */
export const adjust = command('stock.adjust', {
  body: z.object({ sku, adjustmentId, delta, reason }),
  key: (body) => body.sku,
  done: adjusted,
  refused: adjustRefused,
});
/** Sets what is on hand, if the item still has this version; without one, whichever it has. */
export const set = command('stock.set', {
  body: z.object({ sku, onHand, version: version.optional() }),
  key: (body) => body.sku,
  done: adjusted,
  refused: adjustRefused,
});

export const reserved = event('stock.reserved', z.object(ofOrder));
export const reserveRefused = event(
  'stock.reserve-refused',
  z.object({
    ...ofOrder,
    reason: wordOf(['insufficient_stock', 'unknown_product', 'already_undone', 'conflicting_reservation']),
  }),
);
/**
 * Keeps `quantity` for an order; refused means that this command reserved nothing. An order has one open reservation of a SKU
 * at most: after a release another command of it, with another id, reserves anew. `expiresAt`: when whoever asked will have ended.
 */
export const reserve = command('stock.reserve', {
  body: z.object({ ...ofOrder, quantity: totalQuantity, expiresAt: epochMs }),
  key: (body) => body.sku,
  done: reserved,
  refused: reserveRefused,
});

export const released = event('stock.released', z.object(ofOrder));
/** Undo of `reserve`; `of` is the id of the reserve command. After a commit it answers the same and does nothing. */
export const release = command('stock.release', {
  body: z.object({ ...ofOrder, of: messageId }),
  key: (body) => body.sku,
  done: released,
  undo: true,
});

export const committed = event('stock.committed', z.object(ofOrder));
export const commitRefused = event(
  'stock.commit-refused',
  z.object({ ...ofOrder, reason: wordOf(['no_such_reservation', 'already_undone']) }),
);
/** What the order has reserved is sold. */
export const commit = command('stock.commit', {
  body: z.object(ofOrder),
  key: (body) => body.sku,
  done: committed,
  refused: commitRefused,
});

export const returned = event('stock.returned', z.object(ofOrder));
/** Undo of `commit`: what was sold is received again; without a commit, forbids a later one. `of` is the id of the commit command. */
export const returnSold = command('stock.return', {
  body: z.object({ ...ofOrder, of: messageId }),
  key: (body) => body.sku,
  done: returned,
  undo: true,
});

/** How much there is of a SKU. */
export interface StockLevel {
  readonly sku: string;
  readonly onHand: number;
  readonly reserved: number;
  readonly available: number;
  readonly version: number;
}

/** `undefined`: no stock of it is kept. */
export const stockItem = lookup<StockLevel | undefined>('stock.item');

/** Whether stock of a SKU is kept, for the rules of others. */
export const stockIsKept = auditFact<boolean>('stock.is-kept');
