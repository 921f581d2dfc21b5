import { z } from 'zod';
import type { Participant } from '#services/checkout-flow.ts';
import { customerId, orderId } from '#services/fields.ts';
import { orderDetails } from '#services/order/contract.ts';
import { basket, billingAddress, sealedCard, user } from '#services/verification/contract.ts';
import { command, event } from '#shared/message.ts';
import { lookup } from '#shared/web/lookup.ts';

/** Those who need the card, each with a key of its own. */
export const cardReaders = ['verification', 'fraud'] as const satisfies readonly Participant[];

/** A checkout as it was filled in; its id is that of the order that it becomes when it is approved. */
const checkoutForm = z.object({
  orderId,
  customerId,
  user,
  billingAddress,
  termsAccepted: z.boolean(),
  items: basket,
  /** At the prices of the catalogue, without a way to pay; absent where the basket is empty. */
  order: orderDetails.omit({ paymentMethod: true }).optional(),
  cards: z.object({ verification: sealedCard, fraud: sealedCard }),
  /** Epoch ms: one that is taken later never begins, and a document says so. Absent: it begins whenever it comes. */
  notAfter: z.int().optional(),
});
export type CheckoutForm = z.infer<typeof checkoutForm>;

export const begun = event('checkout.begun', z.object({ orderId }));
/**
 * Begins a checkout, once. `notAfter` is when whoever asked gives up waiting, and as much later as a half-open gate delays. It is no deadline of
 * the message, because of one that passed nothing would be left: nobody could tell a client that asks later what became of its checkout.
 */
export const begin = command('checkout.begin', { body: checkoutForm, key: (body) => body.orderId, done: begun });

export const abandoned = event('checkout.abandoned', z.object({ orderId }));
export const abandonRefused = event('checkout.abandon-refused', z.object({ orderId }));
/** Gives up a checkout that nobody decides. Refused once it is decided; one that is not known begins no more. */
export const abandon = command('checkout.abandon', {
  body: z.object({ orderId }),
  key: (body) => body.orderId,
  done: abandoned,
  refused: abandonRefused,
});

/** Which of these routes nobody has been heard of lately that works on them; a door knows. */
export const silentRoutes = lookup<readonly string[], readonly string[]>('checkout.silent-routes');
