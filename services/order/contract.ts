import { z } from 'zod';
import { money } from '#services/money.ts';
import { command, event } from '#shared/message.ts';

const orderId = z.string().min(1).max(200);

export const orderItem = z.strictObject({
  sku: z.string().min(1).max(100),
  quantity: z.int().min(1).max(1_000_000),
  unitPrice: money,
});

/** What a customer ordered, as accepted; never changes afterwards. */
export const orderDetails = z.strictObject({
  orderId,
  customerId: z.string().min(1).max(200),
  email: z.string().min(3).max(320),
  items: z.array(orderItem).min(1),
  total: money,
  paymentMethod: z.string().min(1).max(100),
});
export type OrderDetails = z.infer<typeof orderDetails>;

export const placed = event('order.placed', orderDetails);
export const placeRefused = event('order.place-refused', z.strictObject({ orderId, reason: z.string() }));
/** Step 1, sent by the gateway; its answer starts the saga. */
export const place = command('order.place', {
  body: orderDetails,
  key: (body) => body.orderId,
  done: placed,
  refused: placeRefused,
});

export const paymentAttached = event('order.payment-attached', z.strictObject({ orderId }));
export const attachRefused = event('order.attach-refused', z.strictObject({ orderId, reason: z.string() }));
export const attachPayment = command('order.attach-payment', {
  body: z.strictObject({ orderId, paymentId: z.string().min(1) }),
  key: (body) => body.orderId,
  done: paymentAttached,
  refused: attachRefused,
});

export const paymentRecorded = event('order.payment-recorded', z.strictObject({ orderId }));
export const recordRefused = event('order.record-refused', z.strictObject({ orderId, reason: z.string() }));
export const recordPayment = command('order.record-payment', {
  body: z.strictObject({ orderId, paymentId: z.string().min(1), capturedAt: z.int() }),
  key: (body) => body.orderId,
  done: paymentRecorded,
  refused: recordRefused,
});

export const dispatchRecorded = event('order.dispatch-recorded', z.strictObject({ orderId }));
export const recordDispatch = command('order.record-dispatch', {
  body: z.strictObject({ orderId, dispatchedAt: z.int() }),
  key: (body) => body.orderId,
  done: dispatchRecorded,
  refused: recordRefused,
});

export const dispatchWithdrawn = event('order.dispatch-withdrawn', z.strictObject({ orderId, completed: z.boolean() }));
/**
 * Undo of `record-dispatch`, to be sent first when it timed out. `completed: true`: the order is completed, which is
 * final, so nothing may be undone any more. `false`: a late `record-dispatch` will be refused, undoing may go on.
 */
export const withdrawDispatch = command('order.withdraw-dispatch', {
  body: z.strictObject({ orderId, of: z.string().min(1) }),
  key: (body) => body.orderId,
  done: dispatchWithdrawn,
  undo: true,
});

export const failed = event(
  'order.failed',
  z.strictObject({
    orderId,
    /** What the order is now: it stays as it was if it had ended before. */
    status: z.enum(['failed', 'cancelled', 'completed']).optional(),
  }),
);
/**
 * Undo of step 1 and of everything recorded in the order. Also accepted before, or without, its `order.place`. A
 * completed order stays completed.
 */
export const fail = command('order.fail', {
  body: z.strictObject({
    orderId,
    status: z.enum(['failed', 'cancelled']),
    failure: z.strictObject({ reason: z.string(), step: z.string() }),
    /** What became of the payment, as the saga knows it once everything before was undone; absent: there was none. */
    payment: z.strictObject({ status: z.enum(['voided', 'refunded']) }).optional(),
  }),
  key: (body) => body.orderId,
  done: failed,
  undo: true,
});
