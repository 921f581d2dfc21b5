import type { PricingState } from './pricing.ts';

export const pricingCollection = 'pricing';

/** For what a supermarket has of its own. */
export const pricingIndexes = [{ 'state.supermarketId': 1, _id: 1 }] as const;

/** What is read of a stored product; `_id` is its key. */
export interface StoredPricing {
  readonly _id: string;
  readonly state?: PricingState;
}
