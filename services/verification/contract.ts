import { z } from 'zod';
import { asked, clearing, finalClock, happened, happening, letters, notPassed } from '#services/checkout-flow.ts';
import { bounded, MAX_ITEMS, orderId, quantity, sku, textOf } from '#services/fields.ts';
import { command, event } from '#shared/message.ts';

/** What somebody filled in, perhaps nothing. */
const filled = (maxBytes: number) => textOf(maxBytes, { lines: true });

export const user = z.object({ name: filled(400), contact: filled(400) });
export const billingAddress = z.object({
  street: filled(400),
  city: filled(400),
  state: filled(400),
  zip: filled(100),
  country: filled(200),
});
export const basket = z.array(z.object({ sku, quantity })).max(MAX_ITEMS).readonly();
/** A card, encrypted for one service (JWE, compact). */
export const sealedCard = bounded(4000);

export const passed = event(
  'verification.passed',
  z.object({
    ...happened,
    /** What stands for the card at the payment provider. */ paymentMethod: bounded(100).optional(),
  }),
);
export const rejected = event('verification.rejected', notPassed);

const answers = { key: ({ orderId }: { readonly orderId: string }) => orderId, done: passed, refused: rejected };

/** Event A: there is something in the basket. */
export const checkItems = command('verification.check-items', {
  body: z.object({ ...asked, items: basket }),
  ...answers,
});
/** Event B: what must be known of the user is filled in. */
export const checkUser = command('verification.check-user', {
  body: z.object({ ...asked, user, billingAddress, termsAccepted: z.boolean() }),
  ...answers,
});
/** Event C: the card has the form of one, and has not expired; its number is exchanged for a token of the payment provider. */
export const checkCard = command('verification.check-card', {
  body: z.object({ ...asked, card: sealedCard }),
  ...answers,
});

const happenings = z.object({ orderId, happenings: z.array(happening).min(1).max(letters.length).readonly() });
export const formPassed = event('verification.form-passed', happenings);
/** The last one did not pass; what would come after it did not happen. */
export const formRejected = event('verification.form-rejected', happenings);
/** Events A and B, one after the other, by one request. */
export const checkForm = command('verification.check-form', {
  body: z.object({ ...asked, items: basket, user, billingAddress, termsAccepted: z.boolean() }),
  key: answers.key,
  done: formPassed,
  refused: formRejected,
});

export const cleared = event('verification.cleared', clearing);
/** The end of a checkout, with its final clock. */
export const clear = command('verification.clear', {
  body: finalClock,
  key: (body) => body.orderId,
  done: cleared,
  undo: true,
});
