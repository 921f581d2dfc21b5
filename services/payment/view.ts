import type { Connection } from 'mongoose';
import { z } from 'zod';
import { paymentsCollection, type StoredPayment } from './model.ts';
import type { PaymentState } from './payment.ts';
import { exactMoney } from '#services/money.ts';
import { archiveOf, mayBeArchived } from '#shared/database/archive.ts';
import { withArchive, type Source } from '#shared/database/pages.ts';
import { named, shape, time } from '#shared/web/shapes.ts';

/** A payment as the API shows it. */
export const paymentShape = named(
  'Payment',
  shape({
    id: z.string().describe('The id of the payment.'),
    orderId: z.string().describe('Whose payment.'),
    customerId: z.string().describe('Who pays.'),
    amount: exactMoney.describe('What is paid.'),
    method: z.string().describe('The token that it is paid with.'),
    status: z.enum(['created', 'authorized', 'settled', 'voided', 'refunded']).describe('What it is now.'),
    capturedAt: time.optional().describe('When the money was taken.'),
    reason: z.string().optional().describe('Why it was declined, voided or refunded.'),
    createdAt: time.describe('When it was created.'),
  }).meta({
    examples: [
      {
        id: 'pay-0193f7a0-5a5a-7000-8000-00004f2a91bc',
        orderId: '0193f7a0-5a5a-7000-8000-00004f2a91bc',
        customerId: 'alice',
        amount: { amount: 2598, currency: 'EUR' },
        method: 'pm_ok',
        status: 'settled',
        capturedAt: '2026-11-28T13:05:00.512Z',
        createdAt: '2026-11-28T13:05:00.160Z',
      },
    ],
  }),
);
export type PaymentView = z.infer<typeof paymentShape>;

export interface PaymentQueries {
  byOrder(orderId: string): Promise<{ readonly items: readonly PaymentView[] }>;
}

/** Read-only queries on the payment service's collection. */
export function paymentView(db: Connection): PaymentQueries {
  return {
    /** Found by order, not by the payment's id, so that a second payment of an order would show. */
    async byOrder(orderId: string): Promise<{ readonly items: readonly PaymentView[] }> {
      const find = (name: string) =>
        db
          .collection<StoredPayment>(name)
          .find({ [ORDER]: orderId } as object, { projection: { state: 1 } })
          .toArray();
      const live = await find(paymentsCollection);
      const found = live.length === 0 && mayBeArchived(orderId) ? await find(archiveOf(paymentsCollection)) : live;
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

/** What an audit reads of a payment. */
export type AuditedPayment = Pick<PaymentView, 'id' | 'orderId' | 'customerId' | 'amount' | 'status'>;

const ORDER = 'state.details.orderId';
const auditedFields = { 'state.status': 1, 'state.details': 1, 'state.createdAt': 1 } as const;

/** Every payment that was created, by its order, so that a second one of an order would show. */
export function auditedPayments(db: Connection): Source<AuditedPayment> {
  const find = (orders: object, size?: number) =>
    withArchive<StoredPayment>(
      paymentsCollection,
      (name) => {
        const found = db
          .collection<StoredPayment>(name)
          .find({ [ORDER]: orders } as object, { projection: auditedFields })
          .sort({ [ORDER]: 1 });
        return (size === undefined ? found : found.limit(size)).toArray();
      },
      { by: (stored) => orderOf(stored) ?? '', ...(size !== undefined && { size }) },
    );
  return {
    async *pages(size) {
      let seen: readonly string[] = [];
      for (let orders: object = { $gte: '' }; ;) {
        const found = await find(orders, size);
        const fresh = found.filter(({ _id }) => !seen.includes(_id));
        if (fresh.length > 0) yield fresh.flatMap(auditedOf);
        const last = orderOf(found.at(-1));
        if (found.length < size || last === undefined) return;
        // The last order of a page may have more of them; one that fills whole pages is left where it is.
        seen = found.filter((one) => orderOf(one) === last).map(({ _id }) => _id);
        orders = fresh.length === 0 ? { $gt: last } : { $gte: last };
      }
    },
    async of(orderIds) {
      return (await find({ $in: [...orderIds] })).flatMap(auditedOf);
    },
  };
}

function orderOf(stored: StoredPayment | undefined): string | undefined {
  return stored?.state && 'details' in stored.state ? stored.state.details?.orderId : undefined;
}

function auditedOf({ _id: id, state }: StoredPayment): readonly AuditedPayment[] {
  if (state === undefined || state.status === 'unknown' || !state.details) return [];
  const { orderId, customerId, amount } = state.details;
  return [{ id, orderId, customerId, amount, status: state.status }];
}
