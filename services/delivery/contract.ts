import { z } from 'zod';
import { command, event } from '#shared/message.ts';

const orderId = z.string().min(1).max(200);
const parcelItem = z.strictObject({ sku: z.string().min(1).max(100), quantity: z.int().min(1) });

/** One delivery per order: its id follows from the order's. */
export function deliveryIdOf(orderId: string): string {
  return `dlv-${orderId}`;
}

export const dispatched = event(
  'delivery.dispatched',
  z.strictObject({ orderId, deliveryId: z.string().min(1), dispatchedAt: z.int() }),
);
export const refused = event('delivery.refused', z.strictObject({ orderId, reason: z.string() }));
/** Has the warehouse deliver the items; each sku is listed once. Refused means that nothing will be delivered. */
export const dispatch = command('delivery.dispatch', {
  body: z.strictObject({ orderId, customerId: z.string().min(1), items: z.array(parcelItem).min(1).readonly() }),
  key: (body) => body.orderId,
  done: dispatched,
  refused,
});

export const cancelled = event('delivery.cancelled', z.strictObject({ orderId }));
/** Undo of `dispatch`: `of` is the id of the command that it undoes, `reason` shows in the delivery. A later `dispatch` is refused. */
export const cancel = command('delivery.cancel', {
  body: z.strictObject({ orderId, of: z.string().min(1), reason: z.string() }),
  key: (body) => body.orderId,
  done: cancelled,
  undo: true,
});
