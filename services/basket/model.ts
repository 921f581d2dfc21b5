import type { BasketState } from './basket.ts';

export const basketsCollection = 'baskets';

/** What is read of a stored basket; `_id` is its key. */
export interface StoredBasket {
  readonly _id: string;
  readonly state?: BasketState;
}
