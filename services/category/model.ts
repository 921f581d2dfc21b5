import type { CategoryState } from './category.ts';

export const categoriesCollection = 'categories';

export const categoryIndexes = [{ 'state.id': 1 }] as const;

/** What a view reads of a stored category; `_id` is its name without case. */
export interface StoredCategory {
  readonly _id: string;
  readonly state?: CategoryState;
}
