import { z } from 'zod';
import { letter, participant, rejection } from '#services/checkout-flow.ts';
import { suggestion } from '#services/suggestions/contract.ts';
import { customerId, MAX_ITEMS, quantity, sku, textOf } from '#services/fields.ts';
import { listOf, named, shape, time } from '#shared/web/shapes.ts';

/** As it was filled in, or not: what is missing is for the rules to say, in words that a person understands. */
const filled = (maxBytes: number, what: string) => textOf(maxBytes, { lines: true }).default('').describe(what);
const chosen = (what: string) => textOf(1000, { lines: true }).optional().describe(what);

export const checkoutBody = z.strictObject({
  customerId: customerId.describe('Who buys; a customer can only buy as itself.'),
  user: z
    .strictObject({
      name: filled(400, 'Of a person.'),
      contact: filled(400, 'An e-mail address; mails about the order go there.'),
    })
    .prefault({})
    .describe('Who buys.'),
  items: z
    .array(z.strictObject({ sku: sku.describe('What.'), quantity: quantity.describe('How many.') }))
    .max(MAX_ITEMS)
    .default([])
    .describe('The basket.'),
  creditCard: z
    .strictObject({
      number: z.string().max(100).default('').describe('13 to 19 digits, blanks or dashes between them; kept nowhere.'),
      expirationDate: z.string().max(20).default('').describe('MM/YY.'),
      cvv: z.string().max(20).default('').describe('Three or four digits; kept nowhere.'),
    })
    .prefault({})
    .describe('With which card.'),
  billingAddress: z
    .strictObject({
      street: filled(400, 'Street and number.'),
      city: filled(400, 'City.'),
      state: filled(400, 'State or province.'),
      zip: filled(100, 'Postal code.'),
      country: filled(200, 'Country.'),
    })
    .prefault({})
    .describe('Where the bill goes.'),
  shippingMethod: chosen('How it is sent.'),
  discountCode: chosen('A code for a discount.'),
  userComment: chosen('What the shop should know.'),
  giftWrapping: z.boolean().optional().describe('Whether it is a gift.'),
  termsAccepted: z.boolean().default(false).describe('Whether the terms are accepted.'),
});
export type CheckoutBody = z.output<typeof checkoutBody>;

export const exampleCheckout = {
  customerId: 'alice',
  user: { name: 'Alice Liddell', contact: 'alice@example.org' },
  items: [{ sku: 'book', quantity: 2 }],
  creditCard: { number: '', expirationDate: '12/40', cvv: '123' },
  billingAddress: { street: 'Rabbit Hole 1', city: 'Oxford', state: 'Oxfordshire', zip: 'OX1 1AA', country: 'UK' },
  shippingMethod: 'standard',
  giftWrapping: false,
  termsAccepted: true,
};

const suggestions = z.array(suggestion).readonly().describe('What else there is; for an approved one.');
export const checkoutShape = named(
  'Checkout',
  shape({
    checkoutId: z.string().describe('Its id; of the order too, when it is approved.'),
    status: z
      .enum(['pending', 'approved', 'rejected', 'failed'])
      .describe('`failed`: a service did not answer in time; nothing is left of it.'),
    orderId: z.string().optional().describe('Of the order that it became.'),
    suggestions,
    reason: rejection
      .partial({ event: true })
      .optional()
      .describe('Why it was rejected or failed: the event, a code, words, the field, and what else spoke against it.'),
  }).meta({
    examples: [
      { checkoutId: '0193f7a0', status: 'approved', orderId: '0193f7a0', suggestions: [{ sku: 'tea', name: 'Tea' }] },
    ],
  }),
);
export type CheckoutView = z.infer<typeof checkoutShape>;

const count = z.int().describe('Events of this service that it knows of.');
export const eventShape = shape({
  event: letter.describe('A items, B user data, C card, D fraud of the user, E fraud with the card, F suggestions.'),
  service: participant.describe('Whose event it is.'),
  outcome: z
    .enum(['passed', 'rejected', 'refused'])
    .describe('`refused`: it came before what must happen first, or after the end; it counts nothing.'),
  clock: shape({ verification: count, fraud: count, suggestions: count }).describe('The vector clock of the event.'),
  at: time.describe('When, by the clock of its service.'),
  reason: rejection.optional().describe('Why it was not passed.'),
});
export type EventView = z.infer<typeof eventShape>;

export const ruleShape = shape({
  event: letter.describe('The event that it belongs to.'),
  service: participant.describe('Who applies it.'),
  code: z.string().describe('Names it.'),
  weight: z.int().describe('What it weighs when it applies.'),
  threshold: z.int().describe('From this sum on the rules of an event reject.'),
  title: z.string().describe('What a person reads.'),
  words: z.string().describe('When it applies.'),
  pointer: z.string().optional().describe('The field that it is about.'),
});
export const rulesShape = listOf(ruleShape);
