import { z } from 'zod';
import { asked, clearing, finalClock, happened, notPassed } from '#services/checkout-flow.ts';
import { MAX_ITEMS, sku, textOf } from '#services/fields.ts';
import { command, event } from '#shared/message.ts';

/** How many products are suggested at most. */
export const MAX_SUGGESTIONS = 3;

export const suggestion = z.object({
  sku: sku.describe('Of what.'),
  name: textOf(8000).describe('As the catalogue calls it.'),
});
export type Suggestion = z.infer<typeof suggestion>;

export const found = event(
  'suggestions.found',
  z.object({ ...happened, suggestions: z.array(suggestion).max(MAX_SUGGESTIONS).readonly() }),
);
export const refused = event('suggestions.refused', notPassed);
/** Event F: what else there is for somebody who buys this. */
export const find = command('suggestions.find', {
  body: z.object({ ...asked, skus: z.array(sku).max(MAX_ITEMS).readonly() }),
  key: (body) => body.orderId,
  done: found,
  refused,
});

export const cleared = event('suggestions.cleared', clearing);
/** The end of a checkout, with its final clock. */
export const clear = command('suggestions.clear', {
  body: finalClock,
  key: (body) => body.orderId,
  done: cleared,
  undo: true,
});
