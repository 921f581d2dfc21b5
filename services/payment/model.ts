import { paymentIdOf } from './contract.ts';
import type { PaymentState } from './payment.ts';
import type { ArchiveRule } from '#shared/database/archive.ts';

export const paymentsCollection = 'payments';

/** For the payments of an order. One that was undone before it was created is not listed. */
export const paymentIndexes = [{ 'state.details.orderId': 1 }] as const;

export const paymentArchive: ArchiveRule<PaymentState> = {
  prefix: paymentIdOf(''),
  indexes: paymentIndexes,
  endedAt(state) {
    switch (state.status) {
      case 'unknown':
        return 0;
      case 'created':
      case 'authorized':
        return undefined;
      case 'settled':
        return state.capturedAt;
      case 'refunded':
        return state.capturedAt ?? state.createdAt ?? 0;
      case 'voided':
        return state.createdAt ?? 0;
    }
  },
};

/** What a view reads of a stored payment; `_id` is the payment's id. */
export interface StoredPayment {
  readonly _id: string;
  readonly state?: PaymentState;
}
