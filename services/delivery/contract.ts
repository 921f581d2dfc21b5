import { z } from 'zod';
import {
  MAX_ITEMS,
  customerId,
  derivedId,
  detail,
  epochMs,
  listOf,
  messageId,
  orderId,
  reason,
  sku,
  totalQuantity,
} from '#services/fields.ts';
import { command, event } from '#shared/message.ts';

const parcelItem = z.object({ sku, quantity: totalQuantity });

/** One delivery per order: its id follows from the order's. */
export function deliveryIdOf(orderId: string): string {
  return `dlv-${orderId}`;
}

export const dispatched = event(
  'delivery.dispatched',
  z.object({ orderId, deliveryId: derivedId, dispatchedAt: epochMs }),
);
export const refused = event('delivery.refused', z.object({ orderId, reason, detail }));
/** Has the warehouse deliver the items; each sku is listed once. Refused means that nothing will be delivered. */
export const dispatch = command('delivery.dispatch', {
  body: z.object({ orderId, customerId, items: listOf(parcelItem, MAX_ITEMS).readonly() }),
  key: (body) => body.orderId,
  done: dispatched,
  refused,
});

export const cancelled = event('delivery.cancelled', z.object({ orderId }));
/** Undo of `dispatch`: `of` is the id of the command that it undoes, `reason` shows in the delivery. A later `dispatch` is refused. */
export const cancel = command('delivery.cancel', {
  body: z.object({ orderId, of: messageId, reason }),
  key: (body) => body.orderId,
  done: cancelled,
  undo: true,
});
