import { products } from '#services/catalogue/contract.ts';
import type { Good } from '#local/stack/demo-catalogue.ts';
import { answerLookup, type AnsweredLookup } from '#shared/web/lookup.ts';

/** A catalogue that has just what is in the list at the moment, for a door without a database. */
export function offered(goods: readonly Pick<Good, 'sku' | 'name' | 'price'>[]): AnsweredLookup {
  return answerLookup(products, async (skus) => goods.filter(({ sku }) => skus.includes(sku)));
}
