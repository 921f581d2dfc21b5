import { demoCatalogue, type Good } from '#local/stack/demo-catalogue.ts';
import { MAX_AMOUNT_MINOR } from '#services/money.ts';

/** What most customers order: of the demo catalogue, whatever costs something. */
export const GOODS: readonly Good[] = demoCatalogue.filter(({ price }) => price.amount > 0);

/** What nobody can pay. */
export const ISLAND: Good = {
  sku: 'sim-island',
  name: 'An island with a lighthouse',
  price: { amount: MAX_AMOUNT_MINOR, currency: 'EUR' },
  initialStock: 0,
};

/** In a currency that nobody of the simulation has. */
export const POSTCARD: Good = {
  sku: 'sim-postcard',
  name: 'A postcard from abroad',
  price: { amount: 150, currency: 'USD' },
  initialStock: 0,
};

const MOST = 3;

/** One to three of a good. `drawn` is in [0, 1). */
export function drawnFrom(goods: readonly Good[], drawn: number): { readonly good: Good; readonly quantity: number } {
  const at = Math.floor(drawn * goods.length * MOST);
  return { good: goods[at % goods.length]!, quantity: 1 + Math.floor(at / goods.length) };
}
