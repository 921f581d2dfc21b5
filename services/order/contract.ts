import { z } from 'zod';
import {
  MAX_ITEMS,
  bounded,
  customerId,
  derivedId,
  emailAddress,
  epochMs,
  listOf,
  messageId,
  orderId,
  quantity,
  reason,
  sku,
  stepName,
} from '#services/fields.ts';
import { type Money, money } from '#services/money.ts';
import { type AuditedKind, auditFact } from '#shared/audited-thing.ts';
import { SAGA_ROUTE } from '#services/saga/contract.ts';
import { inbox } from '#shared/bus/topology/topology.ts';
import { command, event, type Message, type Send } from '#shared/message.ts';
import type { Door } from '#shared/web/door.ts';
import type { Caller, Tag } from '#shared/web/endpoint.ts';
import { lookup } from '#shared/web/lookup.ts';

export const orderItem = z.object({
  sku: sku.describe('What is ordered.'),
  quantity: quantity.describe('How many.'),
  unitPrice: money.describe('The price of one; it may be 0.'),
});

/** A line that a strategy priced takes the room of another line: so the largest order still fits where orders are stored. */
export function hasRoom({ items, priced = [] }: Pick<OrderDetails, 'items' | 'priced'>): boolean {
  return items.length + priced.length <= MAX_ITEMS;
}

/** What a customer ordered, as accepted; never changes afterwards. */
export const orderDetails = z.object({
  orderId,
  customerId,
  email: emailAddress,
  items: listOf(orderItem, MAX_ITEMS),
  /** Lines, from 0, that a strategy priced: what they are charged, and its version. Any other is over quantity x unit price. */
  priced: z
    .array(z.object({ line: z.int().min(0).max(MAX_ITEMS), amount: money.shape.amount, by: bounded(40) }))
    .max(MAX_ITEMS / 2)
    .optional(),
  total: money,
  paymentMethod: bounded(100),
});
export type OrderDetails = z.infer<typeof orderDetails>;

/** The lines, each that a strategy priced with its amount and that version. */
export function linesOf({ items, priced = [] }: Pick<OrderDetails, 'items' | 'priced'>) {
  return items.map((item, line) => {
    const one = priced.find((other) => other.line === line);
    return one === undefined ? item : { ...item, amount: one.amount, pricedBy: one.by };
  });
}

export const placed = event(
  'order.placed',
  orderDetails.extend({
    /** Absent when the order's service is of an older version. */
    placedAt: epochMs.optional(),
  }),
);
export const placeRefused = event('order.place-refused', z.object({ orderId, reason }));
/** Step 1, sent by the gateway; its answer starts the saga. */
export const place = command('order.place', {
  body: orderDetails.refine(hasRoom, {
    path: ['priced'],
    error: 'too many lines with strategies beside so many others',
  }),
  key: (body) => body.orderId,
  done: placed,
  refused: placeRefused,
});

/** What begins an order: its answer starts the saga. What was placed once is not placed again. `id`: of the message that caused it. */
export function placeOf(order: OrderDetails, { id, traceparent }: Partial<Pick<Message, 'id' | 'traceparent'>>): Send {
  const { orderId } = order;
  return {
    exchange: inbox(place.route),
    message: {
      id: `${orderId}:place`,
      type: place.name,
      key: place.key(order),
      body: order,
      correlationId: orderId,
      replyTo: { route: SAGA_ROUTE, key: orderId },
      ...(id !== undefined && { causationId: id }),
      ...(traceparent !== undefined && { traceparent }),
    },
  };
}

/** While one of these is open, an order could not get as far as its money. */
export function neededByOrder({ needs }: Pick<Door, 'needs'>): readonly string[] {
  return [...new Set([place.route, ...needs(SAGA_ROUTE)])];
}

export function orderPath(orderId: string): string {
  return `/v1/orders/${encodeURIComponent(orderId)}`;
}

/** As the order shows itself until its service has it. `now`: epoch ms. */
export function acceptedOrder({ orderId, priced, ...details }: OrderDetails, now: number) {
  const at = new Date(now).toISOString();
  const items = linesOf({ items: details.items, priced });
  return { id: orderId, ...details, items, status: 'pending', createdAt: at, updatedAt: at } as const;
}

export const paymentAttached = event('order.payment-attached', z.object({ orderId }));
export const attachRefused = event('order.attach-refused', z.object({ orderId, reason }));
export const attachPayment = command('order.attach-payment', {
  body: z.object({ orderId, paymentId: derivedId }),
  key: (body) => body.orderId,
  done: paymentAttached,
  refused: attachRefused,
});

export const paymentRecorded = event('order.payment-recorded', z.object({ orderId }));
export const recordRefused = event('order.record-refused', z.object({ orderId, reason }));
export const recordPayment = command('order.record-payment', {
  body: z.object({ orderId, paymentId: derivedId, capturedAt: epochMs }),
  key: (body) => body.orderId,
  done: paymentRecorded,
  refused: recordRefused,
});

export const dispatchRecorded = event(
  'order.dispatch-recorded',
  z.object({
    orderId,
    /** When the payment, and its result, were stored in the order; told to who says what the payment is. */
    attachedAt: epochMs.optional(),
    recordedAt: epochMs.optional(),
  }),
);
/** Completes the order. With `payment` it needs nobody to have recorded that before: the order hears of it, perhaps later. */
export const recordDispatch = command('order.record-dispatch', {
  body: z.object({
    orderId,
    dispatchedAt: epochMs,
    payment: z.object({ paymentId: derivedId, capturedAt: epochMs }).optional(),
  }),
  key: (body) => body.orderId,
  done: dispatchRecorded,
  refused: recordRefused,
});

export const dispatchWithdrawn = event('order.dispatch-withdrawn', z.object({ orderId, completed: z.boolean() }));
/**
 * Undo of `record-dispatch`, to be sent first when it timed out. `completed: true`: the order is completed, which is
 * final, so nothing may be undone any more. `false`: a late `record-dispatch` will be refused, undoing may go on.
 */
export const withdrawDispatch = command('order.withdraw-dispatch', {
  body: z.object({ orderId, of: messageId }),
  key: (body) => body.orderId,
  done: dispatchWithdrawn,
  undo: true,
});

export const failed = event(
  'order.failed',
  z.object({
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
  body: z.object({
    orderId,
    status: z.enum(['failed', 'cancelled']),
    failure: z.object({ reason, step: stepName }),
    /** What became of the payment, as the saga knows it once everything before was undone; absent: the saga knows of none. */
    payment: z.object({ status: z.enum(['voided', 'refunded']) }).optional(),
  }),
  key: (body) => body.orderId,
  done: failed,
  undo: true,
});

/** These lines at the prices of the catalogue, and their sum. Throws `Problem`: unknown-product, validation. */
export const pricedLines = lookup<
  Pick<OrderDetails, 'items' | 'total'>,
  readonly { readonly sku: string; readonly quantity: number }[]
>('order.priced-lines');

/** An order as a client may know it. */
export interface VisibleOrder {
  readonly id: string;
  readonly customerId: string;
  /** RFC 3339. */
  readonly createdAt: string;
}

/** What the documents of most services are about. */
export const orders = { name: 'orders', id: 'orderId', asked: 'order' } as const satisfies AuditedKind;

/** The kind of the requests that order what is in a basket; the basket says whether it becomes an order. */
export const CHECKOUT = 'basket-checkout';

/** An order that was placed, as the rules of others compare with it; its payment as it was told of it. */
export const placedOrder = auditFact<{
  readonly customerId: string;
  readonly total: Money;
  /** As it was ordered: a SKU may be in several lines. */
  readonly items: readonly {
    readonly sku: string;
    readonly quantity: number;
    /** Of a line that a strategy priced. */
    readonly priced?: {
      readonly unitPrice: Money;
      readonly amount: number;
      /** The version of its strategy. */
      readonly pricedBy: string;
    };
  }[];
  readonly payment?: { readonly id: string; readonly status: string } | undefined;
}>('order.placed');

/** Everything about orders stands together in the API's document, whichever service offers it. */
export const ordersTag: Tag = {
  name: 'Orders',
  description: 'Placing orders, following them, and what belongs to one.',
};

/** The order, or what was accepted of it while its service has not taken it yet. A `not-found` for whom it does not concern. */
export const visibleOrder = lookup<VisibleOrder, { readonly orderId: string; readonly caller: Caller }>(
  'order.visible',
);
