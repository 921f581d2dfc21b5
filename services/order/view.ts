import type { Connection } from 'mongoose';
import type { OrderDetails } from './contract.ts';
import { ordersCollection, type StoredOrder } from './model.ts';
import type { OrderEnd, OrderState, PlacedOrder } from './order.ts';
import { storedById } from '#shared/database/archive.ts';
import { documentsById, type Source } from '#shared/database/pages.ts';

export type OrderStatus = PlacedOrder['status'];

/** An order as the API shows it; times are RFC 3339. */
export interface OrderView {
  readonly id: string;
  readonly customerId: string;
  readonly email: string;
  readonly items: OrderDetails['items'];
  readonly total: OrderDetails['total'];
  readonly paymentMethod: string;
  readonly status: OrderStatus;
  readonly paymentId?: string;
  readonly payment?: { readonly id: string; readonly status: string; readonly capturedAt?: string };
  readonly notification?: { readonly dispatchedAt: string };
  readonly failure?: OrderEnd['failure'];
  readonly createdAt: string;
  readonly updatedAt: string;
}

export interface OrderQuery {
  readonly customerId?: string | undefined;
  readonly status?: OrderStatus | undefined;
  readonly limit: number;
  /** The `nextCursor` of the page before. */
  readonly cursor?: string | undefined;
}

export interface OrderPage {
  readonly items: readonly OrderView[];
  readonly nextCursor?: string;
}

const statuses: readonly OrderStatus[] = ['pending', 'paid', 'completed', 'failed', 'cancelled'];

/** Read-only queries on the order service's collection. */
export function orderView(db: Connection) {
  const orders = () => db.collection<StoredOrder>(ordersCollection);
  return {
    /** `undefined` also while only undos of the order are known. */
    async find(orderId: string): Promise<OrderView | undefined> {
      const stored = await storedById<StoredOrder>(db, ordersCollection, orderId, { state: 1 });
      return stored?.state && shown(stored.state);
    },
    /** Newest first, by id: ids made by `Clock.id` sort by the time of their creation. */
    async list({ customerId, status, limit, cursor }: OrderQuery): Promise<OrderPage> {
      const found = await orders()
        .find(
          {
            'state.status': status ?? { $in: statuses },
            ...(customerId === undefined ? {} : { 'state.details.customerId': customerId }),
            ...(cursor === undefined ? {} : { _id: { $lt: cursor } }),
          } as object,
          { projection: { state: 1 } },
        )
        .sort({ _id: -1 })
        .limit(limit + 1)
        .toArray();
      const page = found.slice(0, limit);
      const items = page.flatMap((stored) => (stored.state && shown(stored.state)) ?? []);
      const last = page.at(-1);
      return found.length > limit && last ? { items, nextCursor: last._id } : { items };
    },
  };
}

/** An order's state in the API's shape; `undefined` for one that was never placed. */
export function shown(state: OrderState): OrderView | undefined {
  if (state.status === 'unplaced') return undefined;
  const { orderId, ...details } = state.details;
  const { payment } = state;
  return {
    id: orderId,
    ...details,
    status: state.status,
    ...(payment && { paymentId: payment.id, payment: shownPayment(payment) }),
    ...(state.status === 'completed' && { notification: { dispatchedAt: rfc3339(state.dispatchedAt) } }),
    ...((state.status === 'failed' || state.status === 'cancelled') && { failure: state.failure }),
    createdAt: rfc3339(state.createdAt),
    updatedAt: rfc3339(state.updatedAt),
  };
}

function shownPayment({
  id,
  status,
  capturedAt,
}: NonNullable<PlacedOrder['payment']>): NonNullable<OrderView['payment']> {
  return { id, status, ...(capturedAt !== undefined && { capturedAt: rfc3339(capturedAt) }) };
}

function rfc3339(epochMs: number): string {
  return new Date(epochMs).toISOString();
}

/** What an audit reads of an order; times in epoch ms. */
export interface AuditedOrder {
  readonly orderId: string;
  readonly status: OrderState['status'];
  /** Absent: it was never placed. */
  readonly placed?: {
    readonly customerId: string;
    readonly total: OrderDetails['total'];
    readonly createdAt: number;
    readonly updatedAt: number;
    readonly payment?: PlacedOrder['payment'];
    readonly dispatchedAt?: number;
  };
}

const auditedFields = {
  'state.status': 1,
  'state.details.customerId': 1,
  'state.details.total': 1,
  'state.payment': 1,
  'state.createdAt': 1,
  'state.updatedAt': 1,
  'state.dispatchedAt': 1,
} as const;

/** Every order, by id. */
export function auditedOrders(db: Connection): Source<AuditedOrder> {
  return documentsById<StoredOrder, AuditedOrder>(db, {
    collection: ordersCollection,
    archived: true,
    fields: auditedFields,
    row: ({ _id: orderId, state }) => state && { orderId, status: state.status, ...placedOf(state) },
  });
}

function placedOf(state: OrderState): Pick<AuditedOrder, 'placed'> {
  if (state.status === 'unplaced') return {};
  const { details, createdAt, updatedAt, payment } = state;
  const { customerId, total } = details;
  const dispatchedAt = state.status === 'completed' ? { dispatchedAt: state.dispatchedAt } : {};
  return { placed: { customerId, total, createdAt, updatedAt, ...(payment && { payment }), ...dispatchedAt } };
}
