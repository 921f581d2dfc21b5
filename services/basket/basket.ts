import * as contract from './contract.ts';
import type { BasketOf } from './contract.ts';
import { placeOf } from '#services/order/contract.ts';
import { answering, on, type Context, type Entity } from '#shared/entity/entity.ts';

export interface BasketItem {
  readonly sku: string;
  readonly quantity: number;
}

/** What a user has put into a basket of a supermarket; never what it costs. */
export interface BasketState extends BasketOf {
  readonly items: readonly BasketItem[];
  /** Epoch ms. */
  readonly updatedAt: number;
}

/** A user's basket in one supermarket. */
export const basketEntity: Entity<BasketState> = {
  route: 'basket',
  handlers: [
    on(contract.setItem, (state, { sku, quantity, ...owner }, context) => {
      const items = itemsOf(state);
      const isThere = items.some((item) => item.sku === sku);
      if (!isThere && items.length >= contract.MAX_KEPT) {
        const refused = context.answer(contract.changeRefused, { ...owner, reason: 'too_many_items' });
        return answering(state ?? holding(owner, items, context), refused);
      }
      const next = isThere
        ? items.map((item) => (item.sku === sku ? { sku, quantity } : item))
        : [...items, { sku, quantity }];
      return answering(holding(owner, next, context), context.answer(contract.changed, owner));
    }),
    on(contract.remove, (state, { sku, ...owner }, context) => {
      const left = sku === undefined ? [] : itemsOf(state).filter((item) => item.sku !== sku);
      return answering(holding(owner, left, context), context.answer(contract.changed, owner));
    }),
    on(contract.checkout, (state, { order, ...owner }, context) => {
      const { orderId } = order;
      const left = without(itemsOf(state), order.items);
      if (left === undefined)
        return answering(
          state ?? holding(owner, [], context),
          context.answer(contract.checkoutRefused, { ...owner, orderId, reason: 'basket_changed' }),
        );
      return {
        state: holding(owner, left, context),
        send: [context.answer(contract.checkedOut, { ...owner, orderId }), placeOf(order, context.message)],
      };
    }),
  ],
};

function itemsOf(state: BasketState | undefined): readonly BasketItem[] {
  return state?.items ?? [];
}

function holding({ supermarketId, userId }: BasketOf, items: readonly BasketItem[], { now }: Context): BasketState {
  return { supermarketId, userId, items, updatedAt: now };
}

/** What is left when that is taken out; `undefined`: there is not so much. */
function without(items: readonly BasketItem[], taken: readonly BasketItem[]): readonly BasketItem[] | undefined {
  const left = new Map(items.map(({ sku, quantity }) => [sku, quantity]));
  for (const { sku, quantity } of taken) {
    const rest = (left.get(sku) ?? 0) - quantity;
    if (rest < 0) return undefined;
    left.set(sku, rest);
  }
  return [...left].flatMap(([sku, quantity]) => (quantity === 0 ? [] : [{ sku, quantity }]));
}
