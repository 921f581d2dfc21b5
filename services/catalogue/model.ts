import type { ProductState } from './product.ts';

export const productsCollection = 'products';

/** For the lists, which are in the order of names. */
export const productIndexes = [{ 'state.listKey': 1 }] as const;

/** What a view reads of a stored product; `_id` is its SKU. */
export interface StoredProduct {
  readonly _id: string;
  readonly state?: ProductState;
}
