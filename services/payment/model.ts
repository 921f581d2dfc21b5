import type { PaymentState } from './payment.ts';

export const paymentsCollection = 'payments';

/** For the payments of an order. One that was undone before it was created is not listed. */
export const paymentIndexes = [{ 'state.details.orderId': 1 }] as const;

/** What a view reads of a stored payment; `_id` is the payment's id. */
export interface StoredPayment {
  readonly _id: string;
  readonly state?: PaymentState;
}
