import { z } from 'zod';
import { customerId, MAX_ITEMS, orderId, quantity, sku, totalQuantity, wordOf } from '#services/fields.ts';
import { money } from '#services/money.ts';
import { place } from '#services/order/contract.ts';
import { strategyRef, supermarketId } from '#services/pricing/contract.ts';
import { command, event } from '#shared/message.ts';
import { question } from '#shared/question/question.ts';

/** Different products that one request may ask the price of. */
export const MAX_LINES = 10_000;

/** Whose basket, and where. */
const owner = { supermarketId, userId: customerId };
export interface BasketOf {
  readonly supermarketId: string;
  readonly userId: string;
}

/** The key of a user's basket in a supermarket. */
export function basketKeyOf({ supermarketId: where, userId }: BasketOf): string {
  return `${where}/${userId}`;
}

const amount = money.shape.amount;
const askedLine = z.object({ sku, quantity: totalQuantity });
export type AskedLine = z.infer<typeof askedLine>;
const pricedLine = z.object({ sku, quantity: totalQuantity, unitPrice: money, amount, strategy: strategyRef });
export type PricedLine = z.infer<typeof pricedLine>;
const pricedBasket = z.object({ total: money, lines: z.array(pricedLine).max(MAX_LINES).readonly() });
export type PricedBasket = z.infer<typeof pricedBasket>;

/**
 * What these products cost this user there; each SKU once. Problems: those of `pricing.price`, pricing-timeout, not-priced,
 * mixed-currencies.
 */
export const price = question('basket.price', {
  body: z.object({ ...owner, lines: z.array(askedLine).min(1).max(MAX_LINES).readonly() }),
  key: basketKeyOf,
  answer: pricedBasket,
});

export const changed = event('basket.changed', z.object(owner));
export const changeRefused = event('basket.change-refused', z.object({ ...owner, reason: wordOf(['too_many_items']) }));
/** So many of it are in the basket from now on. */
export const setItem = command('basket.set-item', {
  body: z.object({ ...owner, sku, quantity }),
  key: basketKeyOf,
  done: changed,
  refused: changeRefused,
});
/** Takes a product out, or (`sku` absent) everything. What is not in it is not in it afterwards either. */
export const remove = command('basket.remove', {
  body: z.object({ ...owner, sku: sku.optional() }),
  key: basketKeyOf,
  done: changed,
});

export const checkedOut = event('basket.checked-out', z.object({ ...owner, orderId }));
export const checkoutRefused = event(
  'basket.checkout-refused',
  z.object({ ...owner, orderId, reason: wordOf(['basket_changed']) }),
);
/**
 * Orders what the basket showed, at the amounts that it showed: `order` is the whole of it. What is ordered leaves the basket;
 * refused when the basket does not hold that much any more.
 */
export const checkout = command('basket.checkout', {
  body: z.object({ ...owner, order: place.body }),
  key: basketKeyOf,
  done: checkedOut,
  refused: checkoutRefused,
});

/** Products in a kept basket: as many as lines of an order. */
export const MAX_KEPT = MAX_ITEMS;
