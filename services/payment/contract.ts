import { z } from 'zod';
import { customerId, derivedId, detail, epochMs, messageId, orderId, reason } from '#services/fields.ts';
import { money } from '#services/money.ts';
import { cardNumbersIn } from '#shared/card-numbers.ts';
import { command, event } from '#shared/message.ts';

const paymentId = derivedId;

/** One payment for each try of an order that begins anew: their ids follow from the order's. Of several, one at most is not voided. */
export function paymentIdOf(orderId: string, number = 1): string {
  return number === 1 ? `pay-${orderId}` : `pay-${orderId}:${number}`;
}

/** Whether a payment with that id belongs to this order. */
export function isPaymentOf(orderId: string, id: string): boolean {
  return id === paymentIdOf(orderId) || id.startsWith(`${paymentIdOf(orderId)}:`);
}

/** Stands for a way to pay that the provider knows. Never the number of a card. */
export const methodToken = z
  .string()
  .max(100)
  .regex(/^pm_[A-Za-z0-9_]{1,97}$/, 'must be a token (pm_...)')
  .refine((token) => cardNumbersIn(token).length === 0, 'must be a token, not a card number');

/** What an order is paid with that names no way to pay. */
export const usualMethod = 'pm_ok';

export const created = event('payment.created', z.object({ paymentId }));
export const createRefused = event('payment.create-refused', z.object({ paymentId, reason }));
export const create = command('payment.create', {
  body: z.object({
    paymentId,
    orderId,
    customerId,
    amount: money,
    method: methodToken,
  }),
  key: (body) => body.paymentId,
  done: created,
  refused: createRefused,
});

export const authorized = event('payment.authorized', z.object({ paymentId }));
export const declined = event('payment.declined', z.object({ paymentId, reason, detail }));
export const authorize = command('payment.authorize', {
  body: z.object({ paymentId, holdId: derivedId }),
  key: (body) => body.paymentId,
  done: authorized,
  refused: declined,
});

export const settled = event('payment.settled', z.object({ paymentId, capturedAt: epochMs }));
export const settleRefused = event('payment.settle-refused', z.object({ paymentId, reason, detail }));
export const settle = command('payment.settle', {
  body: z.object({ paymentId, captureId: derivedId, capturedAt: epochMs }),
  key: (body) => body.paymentId,
  done: settled,
  refused: settleRefused,
});

export const voided = event(
  'payment.voided',
  z.object({
    paymentId,
    /** What the payment is now: a void after a refund changes nothing. */
    status: z.enum(['voided', 'refunded']).optional(),
  }),
);
/** Undo of `create` and `authorize`; `of` is the id of the command that it undoes. `reason` shows in the payment. After a settlement it answers the same and does nothing. */
export const voidPayment = command('payment.void', {
  body: z.object({ paymentId, orderId, of: messageId, reason }),
  key: (body) => body.paymentId,
  done: voided,
  undo: true,
});

export const refunded = event('payment.refunded', z.object({ paymentId }));
/** Undo of `settle`: gives back what was captured; without a capture, forbids a later one and leaves the authorization to `void`. */
export const refund = command('payment.refund', {
  body: z.object({ paymentId, orderId, of: messageId, reason }),
  key: (body) => body.paymentId,
  done: refunded,
  undo: true,
});
