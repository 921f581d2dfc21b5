import { z } from 'zod';
import { money } from '#services/money.ts';
import { cardNumbersIn } from '#shared/card-numbers.ts';
import { command, event } from '#shared/message.ts';

const paymentId = z.string().min(1).max(220);

/** One payment per order: its id follows from the order's. */
export function paymentIdOf(orderId: string): string {
  return `pay-${orderId}`;
}

/** Stands for a way to pay that the provider knows. Never the number of a card. */
export const methodToken = z
  .string()
  .regex(/^pm_[A-Za-z0-9_]{1,97}$/, 'must be a token (pm_...)')
  .refine((token) => cardNumbersIn(token).length === 0, 'must be a token, not a card number');

export const created = event('payment.created', z.strictObject({ paymentId }));
export const createRefused = event('payment.create-refused', z.strictObject({ paymentId, reason: z.string() }));
export const create = command('payment.create', {
  body: z.strictObject({
    paymentId,
    orderId: z.string().min(1),
    customerId: z.string().min(1),
    amount: money,
    method: methodToken,
  }),
  key: (body) => body.paymentId,
  done: created,
  refused: createRefused,
});

export const authorized = event('payment.authorized', z.strictObject({ paymentId }));
export const declined = event('payment.declined', z.strictObject({ paymentId, reason: z.string() }));
export const authorize = command('payment.authorize', {
  body: z.strictObject({ paymentId, holdId: z.string().min(1) }),
  key: (body) => body.paymentId,
  done: authorized,
  refused: declined,
});

export const settled = event('payment.settled', z.strictObject({ paymentId, capturedAt: z.int() }));
export const settleRefused = event('payment.settle-refused', z.strictObject({ paymentId, reason: z.string() }));
export const settle = command('payment.settle', {
  body: z.strictObject({ paymentId, captureId: z.string().min(1), capturedAt: z.int() }),
  key: (body) => body.paymentId,
  done: settled,
  refused: settleRefused,
});

export const voided = event(
  'payment.voided',
  z.strictObject({
    paymentId,
    /** What the payment is now: a void after a refund changes nothing. */
    status: z.enum(['voided', 'refunded']).optional(),
  }),
);
/** Undo of `create` and `authorize`; `of` is the id of the command that it undoes. `reason` shows in the payment. After a settlement it answers the same and does nothing. */
export const voidPayment = command('payment.void', {
  body: z.strictObject({ paymentId, orderId: z.string().min(1), of: z.string().min(1), reason: z.string() }),
  key: (body) => body.paymentId,
  done: voided,
  undo: true,
});

export const refunded = event('payment.refunded', z.strictObject({ paymentId }));
/** Undo of `settle`: gives back what was captured; without a capture, forbids a later one and leaves the authorization to `void`. */
export const refund = command('payment.refund', {
  body: z.strictObject({ paymentId, orderId: z.string().min(1), of: z.string().min(1), reason: z.string() }),
  key: (body) => body.paymentId,
  done: refunded,
  undo: true,
});
