import type { Connection } from 'mongoose';
import { z } from 'zod';
import { linesOf, type OrderDetails } from './contract.ts';
import { ordersCollection, type StoredOrder } from './model.ts';
import type { OrderState, PlacedOrder } from './order.ts';
import { exactMoney } from '#services/money.ts';
import { storedById } from '#shared/database/archive.ts';
import { documentsById, type Source } from '#shared/database/pages.ts';
import type { Page } from '#shared/web/cursors.ts';
import { named, shape, time } from '#shared/web/shapes.ts';

export type OrderStatus = PlacedOrder['status'];

export const orderStatus = z.enum(['pending', 'paid', 'completed', 'failed', 'cancelled']);

/** An order as the API shows it. */
export const orderShape = named(
  'Order',
  shape({
    id: z.string().describe('Chosen when the order is accepted; ids sort by time.'),
    customerId: z.string().describe('Who ordered.'),
    email: z.string().describe('Where mails about it go.'),
    items: z
      .array(
        shape({
          sku: z.string().describe('What was ordered.'),
          quantity: z.int().describe('How many.'),
          unitPrice: exactMoney.describe('The price of one.'),
          amount: z
            .int()
            .optional()
            .describe('What all of it costs, minor units, where a strategy priced it; else quantity x price.'),
          pricedBy: z
            .string()
            .optional()
            .describe('The version of the strategy that computed `amount`, of an order that was made from a basket.'),
        }),
      )
      .readonly()
      .describe('As they were ordered.'),
    total: exactMoney.describe('The sum of all items.'),
    paymentMethod: z.string().describe('The token that it is to be paid with.'),
    status: orderStatus.describe('How far it is; `completed`, `failed` and `cancelled` are final.'),
    payment: shape({
      id: z.string().describe('The id of the payment.'),
      status: z
        .enum(['created', 'authorized', 'settled', 'voided', 'refunded'])
        .describe('What the payment is, as far as the order knows.'),
      capturedAt: time.optional().describe('When the money was taken.'),
    })
      .optional()
      .describe('Once there is one.'),
    paymentId: z.string().optional().describe('The id of the payment, once there is one.'),
    notification: shape({ dispatchedAt: time.describe('When the mail server took the mail.') })
      .optional()
      .describe('Of a completed order.'),
    failure: shape({
      reason: z.string().describe('A word such as `insufficient_funds`, or what somebody outside said.'),
      step: z.string().describe('The step at which the order turned back.'),
    })
      .optional()
      .describe('Of an order that failed or was cancelled.'),
    attempt: z.int().optional().describe('Which try this is: one more with every refusal that is tried again.'),
    maxAttempts: z.int().optional().describe('How many tries there are.'),
    nextTryAt: time.optional().describe('When the next one begins, while it is waited for.'),
    createdAt: time.describe('When the order service took it.'),
    updatedAt: time.describe('When it changed last.'),
  }).meta({
    examples: [
      {
        id: '0193f7a0-5a5a-7000-8000-00004f2a91bc',
        customerId: 'alice',
        email: 'alice@example.org',
        items: [{ sku: 'book', quantity: 2, unitPrice: { amount: 1299, currency: 'EUR' } }],
        total: { amount: 2598, currency: 'EUR' },
        paymentMethod: 'pm_ok',
        status: 'completed',
        paymentId: 'pay-0193f7a0-5a5a-7000-8000-00004f2a91bc',
        payment: {
          id: 'pay-0193f7a0-5a5a-7000-8000-00004f2a91bc',
          status: 'settled',
          capturedAt: '2026-11-28T13:05:00.512Z',
        },
        notification: { dispatchedAt: '2026-11-28T13:05:00.790Z' },
        attempt: 1,
        maxAttempts: 5,
        createdAt: '2026-11-28T13:05:00.104Z',
        updatedAt: '2026-11-28T13:05:00.801Z',
      },
    ],
  }),
);
export type OrderView = z.infer<typeof orderShape>;

export interface OrderQuery {
  readonly customerId?: string | undefined;
  readonly status?: OrderStatus | undefined;
  readonly limit: number;
  /** The `nextCursor` of the page before. */
  readonly cursor?: string | undefined;
}

export interface OrderQueries {
  /** `undefined` also while only undos of the order are known. */
  find(orderId: string): Promise<OrderView | undefined>;
  /** Newest first, by id: ids made by `Clock.id` sort by the time of their creation. */
  list(query: OrderQuery): Promise<Page<OrderView>>;
}

/** Read-only queries on the order service's collection. */
export function orderView(db: Connection): OrderQueries {
  const orders = () => db.collection<StoredOrder>(ordersCollection);
  return {
    async find(orderId) {
      const stored = await storedById<StoredOrder>(db, ordersCollection, orderId, { state: 1 });
      return stored?.state && shown(stored.state);
    },
    async list({ customerId, status, limit, cursor }) {
      const found = await orders()
        .find(
          {
            'state.status': status ?? { $in: orderStatus.options },
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
  const { orderId, priced, ...details } = state.details;
  const { payment } = state;
  return {
    id: orderId,
    ...details,
    items: linesOf({ items: details.items, priced }),
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
    readonly items: readonly Pick<OrderDetails['items'][number], 'sku' | 'quantity'>[];
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
  'state.details.items.sku': 1,
  'state.details.items.quantity': 1,
  'state.details.items.unitPrice': 1,
  'state.details.priced': 1,
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
  const items = linesOf(details).map(({ sku, quantity, unitPrice, ...rest }) => ({
    sku,
    quantity,
    ...('amount' in rest && { priced: { unitPrice, ...rest } }),
  }));
  const dispatchedAt = state.status === 'completed' ? { dispatchedAt: state.dispatchedAt } : {};
  return { placed: { customerId, total, items, createdAt, updatedAt, ...(payment && { payment }), ...dispatchedAt } };
}
