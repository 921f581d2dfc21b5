import { z } from 'zod';
import { bounded, customerId, epochMs, sku, textOf, totalQuantity, wordOf } from '#services/fields.ts';
import { type Currency, money } from '#services/money.ts';
import { command, event } from '#shared/message.ts';
import { question } from '#shared/question/question.ts';
import { lookup } from '#shared/web/lookup.ts';

/** With a customer's id it still fits where messages name a key. */
const MAX_SUPERMARKET_BYTES = 40;
const MAX_NAME_BYTES = 200;
/** Of the text of a strategy, in UTF-8. */
export const MAX_SOURCE_BYTES = 64 * 1024;

/** Names a supermarket. No slash: it ends where the key of what is its own goes on. */
export const supermarketId = bounded(MAX_SUPERMARKET_BYTES).refine(
  (id) => !id.includes('/'),
  'must not contain a slash',
);
export const strategyName = textOf(MAX_NAME_BYTES);
/** The hash of what a strategy's text is: the same text is the same version. */
export const strategyVersion = bounded(100);
const by = bounded(200);

/** What prices a product that has no strategy: quantity x price. It may also be activated, in the place of any other. */
export const PLAIN = { name: 'plain', version: 'plain' } as const;

/** Which strategy computed an amount. */
export const strategyRef = z.object({ name: strategyName, version: strategyVersion });
export type StrategyRef = z.infer<typeof strategyRef>;

/** Of one product in one supermarket, or (`supermarketId` absent) in all that say nothing else of it. */
const product = { supermarketId: supermarketId.optional(), sku };
export interface ProductOf {
  readonly supermarketId?: string | undefined;
  readonly sku: string;
}

/** The key of a product's price server. */
export function pricingKeyOf({ supermarketId: of = '', sku: its }: ProductOf): string {
  return `${of}/${its}`;
}

/** How much is told of what a dry run warns of when a strategy is put: the answer is kept for a while. */
export const MAX_WARNINGS = 10;
export const strategyPut = event(
  'pricing.strategy-put',
  z.object({
    ...product,
    ...strategyRef.shape,
    /** False: it had this text before. */ isNew: z.boolean(),
    since: epochMs,
    /** Of a text that was put: what its dry run warns of. */
    warnings: z
      .array(textOf(1000, { lines: true }))
      .max(MAX_WARNINGS)
      .readonly()
      .optional(),
  }),
);
/** As JSON writes it, every second character may be escaped. */
export const strategySource = textOf(2 * MAX_SOURCE_BYTES, { lines: true });
/** Bytes of what is told of a text that is refused. */
export const MAX_DETAIL = 500;
/** Where, as far as it is about a place in the text; lines and columns count from 1. */
const refusal = {
  detail: textOf(MAX_DETAIL, { lines: true }),
  line: z.int().min(1).optional(),
  column: z.int().min(1).optional(),
};
export const strategyRefused = event('pricing.strategy-refused', z.object({ ...product, ...refusal }));
/** Compiles a strategy, tries it, keeps it, and prices the product by it from now on. */
export const putStrategy = command('pricing.put-strategy', {
  body: z.object({
    ...product,
    source: strategySource,
    name: strategyName.optional(),
    by,
  }),
  key: pricingKeyOf,
  done: strategyPut,
  refused: strategyRefused,
});

export const activateRefused = event(
  'pricing.activate-refused',
  z.object({ ...product, reason: wordOf(['unknown_version']) }),
);
/** Prices the product by a version that it had before, or by `plain`. */
export const activate = command('pricing.activate', {
  body: z.object({ ...product, version: strategyVersion, by }),
  key: pricingKeyOf,
  done: strategyPut,
  refused: activateRefused,
});

const priced = { supermarketId, sku };
export const priceSet = event('pricing.price-set', z.object({ ...priced, price: money }));
/** The supermarket's own price, instead of the catalogue's. */
export const setPrice = command('pricing.set-price', {
  body: z.object({ ...priced, price: money, by }),
  key: pricingKeyOf,
  done: priceSet,
});
export const priceRemoved = event('pricing.price-removed', z.object(priced));
/** From now on the catalogue's price counts. Again, or without a price, it is as well. */
export const removePrice = command('pricing.remove-price', {
  body: z.object({ ...priced, by }),
  key: pricingKeyOf,
  done: priceRemoved,
});

const amount = money.shape.amount;
/** What one product costs in this quantity, for this user's basket. Problems: unknown-product, strategy-failed, too-much. */
export const price = question('pricing.price', {
  body: z.object({ ...priced, quantity: totalQuantity, userId: customerId.optional() }),
  key: pricingKeyOf,
  answer: z.object({ unitPrice: money, amount, strategy: strategyRef }),
});
export type PriceAsked = z.infer<typeof price.body>;
export type PriceAnswer = z.infer<typeof price.answer>;

export const MAX_CASES = 100;
/** Of a dry run; the scripts say what is too large to be exact. */
export const tryCase = z.object({
  quantity: z.int().min(0).max(Number.MAX_SAFE_INTEGER).describe('How many.'),
  price: z.int().min(0).max(Number.MAX_SAFE_INTEGER).describe('Of one, whole minor units.'),
});
const figures = z.array(z.number()).max(MAX_CASES);
/** What a text would answer, or (`source` absent) what prices the product now. Nothing is changed. Problems: not-found, strategy-refused, too-much. */
export const tryStrategy = question('pricing.try', {
  body: z.object({
    ...product,
    source: strategySource.optional(),
    cases: z.array(tryCase).max(MAX_CASES).readonly(),
  }),
  key: pricingKeyOf,
  answer: z.object({
    version: strategyVersion,
    amounts: figures.readonly(),
    microseconds: figures.readonly(),
    warnings: z
      .array(textOf(1000, { lines: true }))
      .max(100)
      .readonly(),
  }),
});

export type TriedAnswer = z.infer<typeof tryStrategy.answer>;

/** In which currency a supermarket sells; `undefined`: it has no price of its own. */
export const supermarketCurrency = lookup<Currency | undefined>('pricing.supermarket-currency');
