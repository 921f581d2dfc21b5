import { z } from 'zod';
import {
  MAX_ITEMS,
  customerId,
  detail,
  emailAddress,
  epochMs,
  mailId,
  messageId,
  orderId,
  reason,
  sku,
  totalQuantity,
  wordOf,
} from '#services/fields.ts';
import { money, type Money } from '#services/money.ts';
import { command, event } from '#shared/message.ts';

export const sent = event('notify.sent', z.object({ orderId, mailId, dispatchedAt: epochMs }));
export const sendRefused = event(
  'notify.send-refused',
  z.object({
    orderId,
    reason: wordOf([
      'retracted',
      'conflicting_outcome',
      /** The mail server will never take mail for this address. */
      'rejected_address',
      /** The address needs SMTPUTF8, which the mail server does not offer. */
      'smtputf8_not_offered',
    ]),
    /** What the mail server answered. */
    detail,
  }),
);

/** Items of an order that a mail lists; of the others it says how many there are. It keeps the documents small that hold the list. */
export const MAX_LISTED = 30;
const listedItem = z.object({
  sku,
  quantity: totalQuantity,
  /** Minor units, in the currency of the total. */
  unitAmount: money.shape.amount,
  /** Of all of it, where it is not quantity x unit amount. */
  amount: money.shape.amount.optional(),
});

/** The part of an order's items that a mail shows. */
export interface Listing {
  readonly items: readonly z.infer<typeof listedItem>[];
  /** How many were left out; absent: none. */
  readonly itemsLeftOut?: number;
}

/** The first of the items, each with its quantity of all lines of that price, and how many follow. */
export function listingOf(
  items: readonly {
    readonly sku: string;
    readonly quantity: number;
    readonly unitPrice: Money;
    readonly amount?: number | undefined;
  }[],
): Listing {
  const distinct = new Map<string, Listing['items'][number]>();
  for (const { sku: name, quantity, unitPrice, amount } of items) {
    const key = `${unitPrice.amount} ${amount === undefined} ${name}`;
    const before = distinct.get(key);
    distinct.set(key, {
      sku: name,
      quantity: (before?.quantity ?? 0) + quantity,
      unitAmount: unitPrice.amount,
      ...(amount !== undefined && { amount: (before?.amount ?? 0) + amount }),
    });
  }
  const all = [...distinct.values()];
  return all.length > MAX_LISTED
    ? { items: all.slice(0, MAX_LISTED), itemsLeftOut: all.length - MAX_LISTED }
    : { items: all };
}

/**
 * Tells the customer how the order ended. One mail per outcome. After a success mail was accepted, `failed` and
 * `cancelled` are sent as a correction.
 */
export const send = command('notify.send', {
  body: z.object({
    orderId,
    outcome: z.enum(['completed', 'failed', 'cancelled']),
    to: emailAddress,
    customerId,
    total: money,
    reason: reason.optional(),
    /** Absent, as the two below, in messages of versions that did not tell it. */
    placedAt: epochMs.optional(),
    items: z.array(listedItem).max(MAX_LISTED).readonly().optional(),
    itemsLeftOut: z.int().min(1).max(MAX_ITEMS).optional(),
  }),
  key: (body) => body.orderId,
  done: sent,
  refused: sendRefused,
});

export const retracted = event('notify.retracted', z.object({ orderId, accepted: z.boolean() }));
/** Undo of the success mail: one that was not accepted yet will not be sent; answers whether it was. */
export const retract = command('notify.retract', {
  body: z.object({ orderId, of: messageId }),
  key: (body) => body.orderId,
  done: retracted,
  undo: true,
});
