import { drawnFrom, GOODS, HOT, ISLAND, POSTCARD, type Shelved, SOLD_OUT } from './goods.ts';
import type { Good } from '#local/stack/demo-catalogue.ts';
import { seeded } from '#local/stand-ins/misbehaviour.ts';

/** What a customer does, and so how the order has to end; see `verdict.ts`. */
export const KINDS = [
  'ok',
  'slow',
  'declined',
  'short_funds',
  'foreign_currency',
  'cancelled',
  'duplicate',
  'timeout',
  'short_stock',
  'retried',
  'hot_sku',
] as const;
export type Kind = (typeof KINDS)[number];

/** Weights; what is missing counts 0. */
export type Mix = Readonly<Partial<Record<Kind, number>>>;

export interface PlannedOrder {
  /** From 1, in the order of sending. */
  readonly n: number;
  readonly kind: Kind;
  readonly customerId: string;
  readonly good: Good;
  readonly quantity: number;
  /** What all of it costs. */
  readonly amountMinor: number;
  /** When it is sent, ms after the start, whatever became of those before it. */
  readonly dueMs: number;
  /** `cancelled`: how long after being accepted the customer changes their mind. */
  readonly cancelAfterMs?: number;
}

/** Its own, so that a mail or an order can be told from all others. */
export function emailOf({ customerId, n }: Pick<PlannedOrder, 'customerId' | 'n'>): string {
  return `${customerId}+${n}@example.org`;
}

export interface Customer {
  readonly id: string;
  /** Enough for every order of the plan that may be paid, at once. */
  readonly fundsMinor: number;
}

export interface Plan {
  /** What is ordered, and how much of it all orders of the plan want. */
  readonly goods: readonly Shelved[];
  readonly seed: number;
  readonly ratePerS: number;
  readonly customers: readonly Customer[];
  readonly orders: readonly PlannedOrder[];
}

export interface PlanOptions {
  /** 0 to 2^32 - 1. */
  readonly seed: number;
  readonly ratePerS: number;
  readonly count: number;
  readonly customers: number;
  readonly mix?: Mix;
  /** Begins the customers' names. */
  readonly names?: string;
}

export const STANDARD_MIX: Mix = {
  ok: 700,
  slow: 50,
  declined: 80,
  short_funds: 50,
  foreign_currency: 15,
  cancelled: 50,
  duplicate: 50,
  timeout: 5,
  hot_sku: 60,
  short_stock: 20,
  retried: 20,
};

const CANCEL_WITHIN_MS = 150;

/**
 * The same options give the same orders, on every machine and whatever the stack answers; a longer plan begins with the
 * shorter one. Each order takes the same number of draws, so that a change of the mix moves no customer.
 */
export function planOf({ seed, ratePerS, count, customers, mix = STANDARD_MIX, names = 'sim' }: PlanOptions): Plan {
  const draw = seeded(seed);
  const orders = Array.from({ length: count }, (_, index): PlannedOrder => {
    const [ofKind, ofCustomer, ofGood, ofCancel] = [draw(), draw(), draw(), draw()];
    const kind = kindAt<Kind>(KINDS, (one) => mix[one] ?? 0, ofKind, 'ok');
    const { good, quantity } = wanted(kind, ofGood);
    return {
      n: index + 1,
      kind,
      customerId: `${names}-${1 + Math.floor(ofCustomer * customers)}`,
      good,
      quantity,
      amountMinor: quantity * good.price.amount,
      dueMs: Math.round((index * 1000) / ratePerS),
      ...(kind === 'cancelled' && { cancelAfterMs: Math.floor(ofCancel * CANCEL_WITHIN_MS) }),
    };
  });
  return { seed, ratePerS, goods: shelved(orders), customers: funded(names, customers, orders), orders };
}

function wanted(kind: Kind, drawn: number): ReturnType<typeof drawnFrom> {
  switch (kind) {
    case 'short_funds':
      return { good: ISLAND, quantity: 1 };
    case 'foreign_currency':
      return { good: POSTCARD, quantity: 1 };
    case 'short_stock':
      return { good: SOLD_OUT, quantity: 1 };
    case 'hot_sku':
      return { good: HOT, quantity: 1 };
    default:
      return drawnFrom(GOODS, drawn);
  }
}

/** The customers with money for the prices that are asked, where goods were there before and cost more than the plan knows. */
export function fundedFor(prices: ReadonlyMap<string, Good['price']>, { goods, customers }: Plan): readonly Customer[] {
  const dearer = goods.map(({ sku, price }) => (prices.get(sku)?.amount ?? 0) / Math.max(1, price.amount));
  const factor = Math.max(1, ...dearer);
  return customers.map(({ id, fundsMinor }) => ({ id, fundsMinor: Math.ceil(fundsMinor * factor) }));
}

/** Which kind a draw from 0 to 1 means, each as often as its weight says; `usual` where nothing has a weight. */
export function kindAt<Of>(kinds: readonly Of[], weightOf: (kind: Of) => number, drawn: number, usual: Of): Of {
  let left = drawn * kinds.reduce((sum, kind) => sum + weightOf(kind), 0);
  for (const kind of kinds) {
    left -= weightOf(kind);
    if (left < 0) return kind;
  }
  return usual;
}

function shelved(orders: readonly PlannedOrder[]): readonly Shelved[] {
  const goods = new Map<string, Shelved>();
  for (const { kind, good, quantity } of orders) {
    const before = goods.get(good.sku)?.least ?? 0;
    goods.set(good.sku, { ...good, least: kind === 'short_stock' ? 0 : before + quantity });
  }
  return [...goods.values()];
}

function funded(names: string, count: number, orders: readonly PlannedOrder[]): readonly Customer[] {
  const needed = new Map<string, number>();
  for (const { kind, customerId, amountMinor } of orders)
    if (kind !== 'short_funds') needed.set(customerId, (needed.get(customerId) ?? 0) + amountMinor);
  return Array.from({ length: count }, (_, index) => {
    const id = `${names}-${index + 1}`;
    return { id, fundsMinor: needed.get(id) ?? 1 };
  });
}
