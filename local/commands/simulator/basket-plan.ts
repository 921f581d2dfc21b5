import { basketGoods, type BasketItem, mostFor, SKUS, STRATEGIES, SUPERMARKETS, UNKNOWN_SKU } from './basket-market.ts';
import type { Shelved } from './goods.ts';
import { type Customer, kindAt, type PlanOptions } from './plan.ts';
import { seeded } from '#local/stand-ins/misbehaviour.ts';
import { PLAIN } from '#services/pricing/contract.ts';

/**
 * What is done: a price is asked for codes, for objects, for both, for nothing, for what nobody sells; things are put into a basket that is
 * kept, read and emptied; such a basket is ordered; or a product is priced by another strategy from now on.
 */
export const BASKET_KINDS = [
  'codes',
  'objects',
  'codes_and_objects',
  'empty',
  'unknown_sku',
  'kept',
  'ordered',
  'swap',
] as const;
export type BasketKind = (typeof BASKET_KINDS)[number];

/** Of a hundred. */
const shares: Readonly<Record<BasketKind, number>> = {
  codes: 20,
  objects: 20,
  codes_and_objects: 10,
  empty: 4,
  unknown_sku: 6,
  kept: 15,
  ordered: 15,
  swap: 10,
};

export interface PlannedBasket {
  /** From 1, in the order of sending. */
  readonly n: number;
  readonly kind: BasketKind;
  readonly supermarketId: string;
  readonly userId: string;
  /** What has to be shown, each product once. */
  readonly items: readonly BasketItem[];
  /** The same as it is sent, of what is asked at once. */
  readonly asked: readonly (string | BasketItem)[];
  /** `swap`: the strategy, or `plain`, of the first item's product. */
  readonly strategy: string;
  /** When it is sent, ms after the start, whatever became of those before it. */
  readonly dueMs: number;
}

export interface BasketPlan {
  readonly seed: number;
  /** What orders need of it. */
  readonly goods: readonly Shelved[];
  /** With money for everything that they order. */
  readonly customers: readonly Customer[];
  readonly baskets: readonly PlannedBasket[];
}

const MOST_OF_ONE = 6;
const strategies = [PLAIN.name, ...STRATEGIES.map(({ name }) => name)];

/** The same options give the same baskets; a longer plan begins with the shorter one. */
export function basketPlanOf({ seed, ratePerS, count, customers }: Omit<PlanOptions, 'mix' | 'names'>): BasketPlan {
  const draw = seeded((seed ^ 0x51ed_270b) >>> 0);
  const one = <Of>(all: readonly Of[]): Of => all[Math.floor(draw() * all.length)]!;
  const baskets = Array.from({ length: count }, (_, index): PlannedBasket => {
    const kind = kindAt<BasketKind>(BASKET_KINDS, (name) => shares[name], draw(), 'objects');
    const supermarketId = one(SUPERMARKETS);
    const userId = `sim-basket-${1 + Math.floor(draw() * customers)}`;
    const strategy = one(strategies);
    const drawn = SKUS.map((sku) => ({ sku, quantity: Math.floor(draw() * (MOST_OF_ONE + 1)) }));
    const chosen = drawn.filter(({ quantity }) => quantity > 0);
    const some = chosen.length > 0 ? chosen : [{ sku: SKUS[0]!, quantity: 1 }];
    const items = kind === 'empty' ? [] : some;
    const dueMs = Math.round((index * 1000) / ratePerS);
    return { n: index + 1, kind, supermarketId, userId, items, asked: askedAs(kind, items), strategy, dueMs };
  });
  const ordered = baskets.filter(({ kind }) => kind === 'ordered');
  return {
    seed,
    baskets,
    goods: basketGoods.map((good) => ({ ...good, least: orderedOf(good.sku, ordered) })),
    customers: Array.from({ length: customers }, (_, index) => {
      const id = `sim-basket-${index + 1}`;
      const own = ordered.filter(({ userId }) => userId === id);
      const most = own.reduce((sum, { supermarketId, items }) => sum + mostFor(supermarketId, items), 0);
      return { id, fundsMinor: Math.max(1, most) };
    }),
  };
}

/** Equal products stand apart and in any order, as people take them from shelves. */
function askedAs(kind: BasketKind, items: readonly BasketItem[]): PlannedBasket['asked'] {
  const codes = (some: readonly BasketItem[]): readonly string[] =>
    Array.from({ length: MOST_OF_ONE }, (_, round) => some.filter(({ quantity }) => quantity > round)).flatMap(
      (round) => round.map(({ sku }) => sku),
    );
  switch (kind) {
    case 'codes':
      return codes(items);
    case 'codes_and_objects':
      return items.flatMap(({ sku, quantity }) => (quantity > 1 ? [sku, { sku, quantity: quantity - 1 }] : [sku]));
    case 'unknown_sku':
      return [...codes(items), UNKNOWN_SKU];
    default:
      return items;
  }
}

function orderedOf(sku: string, baskets: readonly PlannedBasket[]): number {
  const pieces = baskets.flatMap(({ items }) => items.filter((item) => item.sku === sku));
  return pieces.reduce((sum, { quantity }) => sum + quantity, 0);
}
