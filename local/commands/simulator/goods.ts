import { demoCatalogue, type Good } from '#local/stack/demo-catalogue.ts';
import { MAX_AMOUNT_MINOR } from '#services/money.ts';

/** A good, and how much of it has to be there; absent: a tenth of its initial stock. */
export interface Shelved extends Good {
  readonly least?: number;
}

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

/** What there is none of. */
export const SOLD_OUT: Good = {
  sku: 'sim-sold-out',
  name: 'A first edition',
  price: { amount: 2500, currency: 'EUR' },
  initialStock: 0,
};

/** What everybody wants at once. */
export const HOT: Good = {
  sku: 'sim-hot',
  name: 'A ticket for the first train',
  price: { amount: 500, currency: 'EUR' },
  initialStock: 0,
};

const MOST = 3;

/** One to three of a good. `drawn` is in [0, 1). */
export function drawnFrom(goods: readonly Good[], drawn: number): { readonly good: Good; readonly quantity: number } {
  const at = Math.floor(drawn * goods.length * MOST);
  return { good: goods[at % goods.length]!, quantity: 1 + Math.floor(at / goods.length) };
}
