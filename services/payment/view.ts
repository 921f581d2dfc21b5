import type { Connection } from 'mongoose';
import { paymentsCollection, type StoredPayment } from './model.ts';
import type { PaymentState } from './payment.ts';
import type { Money } from '#services/money.ts';

/** A payment as the API shows it; times are RFC 3339. */
export interface PaymentView {
  readonly id: string;
  readonly orderId: string;
  readonly customerId: string;
  readonly amount: Money;
  readonly method: string;
  readonly status: 'created' | 'authorized' | 'settled' | 'voided' | 'refunded';
  readonly capturedAt?: string;
  /** Why it was declined, voided or refunded. */
  readonly reason?: string;
  readonly createdAt: string;
}

/** Read-only queries on the payment service's collection. */
export function paymentView(db: Connection) {
  return {
    /** Found by order, not by the payment's id, so that a second payment of an order would show. */
    async byOrder(orderId: string): Promise<{ readonly items: readonly PaymentView[] }> {
      const found = await db
        .collection<StoredPayment>(paymentsCollection)
        .find({ 'state.details.orderId': orderId } as object, { projection: { state: 1 } })
        .toArray();
      return { items: found.flatMap(({ state }) => (state && shown(state)) ?? []) };
    },
  };
}

/** A payment's state in the API's shape; `undefined` while it was not created. */
export function shown(state: PaymentState): PaymentView | undefined {
  if (state.status === 'unknown' || !state.details || state.createdAt === undefined) return undefined;
  const { paymentId, orderId, customerId, amount, method } = state.details;
  const capturedAt = 'capturedAt' in state ? state.capturedAt : undefined;
  const reason = reasonIn(state);
  return {
    id: paymentId,
    orderId,
    customerId,
    amount,
    method,
    status: state.status,
    ...(capturedAt !== undefined && { capturedAt: new Date(capturedAt).toISOString() }),
    ...(reason !== undefined && { reason }),
    createdAt: new Date(state.createdAt).toISOString(),
  };
}

function reasonIn(state: PaymentState): string | undefined {
  switch (state.status) {
    case 'voided':
    case 'refunded':
      return state.reason;
    case 'created':
      return state.declined;
    case 'unknown':
    case 'authorized':
    case 'settled':
      return undefined;
  }
}
