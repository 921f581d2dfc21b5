import type { Connection } from 'mongoose';
import { pricingKeyOf, type ProductOf, type StrategyRef } from './contract.ts';
import { pricingCollection, type StoredPricing } from './model.ts';
import { products, type OfferedProduct } from '#services/catalogue/contract.ts';
import type { Money } from '#services/money.ts';
import type { Clock } from '#shared/clock.ts';
import type { LookUp } from '#shared/web/lookup.ts';
import { within } from '#shared/within.ts';

/** What counts for a product in a supermarket now, or in one that has nothing of its own. */
export interface Offer {
  /** The supermarket's, else the catalogue's. */
  readonly price?: Money | undefined;
  /** The supermarket's, else that of all. */
  readonly strategy?: StrategyRef | undefined;
}

export type ReadOffer = (product: ProductOf) => Promise<Offer>;

interface Waiting {
  readonly product: ProductOf;
  readonly resolve: (offer: Offer) => void;
  readonly reject: (error: unknown) => void;
}

/** Products that one read asks for at most. */
const BATCH = 500;
/** A read that takes longer is given up, so that the database has nobody wait for ever. Shorter than any basket waits. */
const READ_MS = 2000;

/** Where offers are stored; both are asked for many at once. */
export interface StoredOffers {
  /** What is stored of these keys. */
  pricing(keys: readonly string[]): Promise<Found['pricing']>;
  /** What the catalogue sells of these SKUs. */
  catalogue(skus: readonly string[]): Promise<Found['catalogue']>;
}

/**
 * Offers as they are stored at the moment of the question: whatever a change was answered before is in them, on every worker.
 * One read at a time: those who ask in one turn share it, and those who ask meanwhile the next one. Nothing is kept afterwards.
 */
export function offersReader(clock: Clock, stored: StoredOffers): ReadOffer {
  const waiting: Waiting[] = [];
  let isReading = false;

  async function readAll(): Promise<void> {
    while (waiting.length > 0) {
      const batch = waiting.splice(0, BATCH);
      try {
        const found = await within(
          clock,
          READ_MS,
          find(
            batch.map(({ product }) => product),
            stored,
          ),
        );
        for (const { product, resolve } of batch) resolve(offerOf(product, found));
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
    isReading = false;
  }

  return (product) => {
    const { promise, resolve, reject } = Promise.withResolvers<Offer>();
    waiting.push({ product, resolve, reject });
    if (isReading) return promise;
    isReading = true;
    // Who asks in the same turn is in this read, not in the one after it.
    clock.soon(() => void readAll());
    return promise;
  };
}

/** The catalogue is asked only for what has no price of its own. */
async function find(wanted: readonly ProductOf[], stored: StoredOffers): Promise<Found> {
  const pricing = await stored.pricing([...new Set(wanted.flatMap(keysOf))]);
  const skus = new Set<string>();
  for (const product of wanted) if (pricing.get(pricingKeyOf(product))?.price === undefined) skus.add(product.sku);
  return { pricing, catalogue: skus.size === 0 ? new Map() : await stored.catalogue([...skus]) };
}

/** What is stored, by key, and what the catalogue sells, by SKU. */
export interface Found {
  readonly pricing: ReadonlyMap<string, NonNullable<StoredPricing['state']>>;
  readonly catalogue: ReadonlyMap<string, Pick<OfferedProduct, 'price'>>;
}

/** Own before general; a pure function. */
export function offerOf(product: ProductOf, { pricing, catalogue }: Found): Offer {
  const [own, general] = keysOf(product).map((key) => pricing.get(key));
  return {
    price: own?.price ?? catalogue.get(product.sku)?.price,
    strategy: own?.active ?? general?.active,
  };
}

function keysOf({ supermarketId, sku }: ProductOf): readonly [own: string, general: string] {
  return [pricingKeyOf({ supermarketId, sku }), pricingKeyOf({ sku })];
}

const FIELDS = { 'state.price': 1, 'state.active': 1 } as const;

/** Offers in the database. */
export function storedOffers(db: Connection, lookUp: LookUp, clock: Clock): ReadOffer {
  return offersReader(clock, {
    async pricing(keys) {
      const found = await db
        .collection<StoredPricing>(pricingCollection)
        .find({ _id: { $in: [...keys] } } as object, { projection: FIELDS })
        .toArray();
      return new Map(found.flatMap(({ _id, state }) => (state === undefined ? [] : [[_id, state] as const])));
    },
    catalogue: async (skus) => new Map((await lookUp(products, skus)).map((one) => [one.sku, one])),
  });
}
