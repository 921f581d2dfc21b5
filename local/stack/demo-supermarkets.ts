import type { Good } from './demo-catalogue.ts';

/** A product of a supermarket: its price there, and the file of the strategy that computes what more of it cost. */
export interface Ware {
  readonly sku: string;
  readonly price: Good['price'];
  /** In `services/pricing/strategies/`; absent: plain. */
  readonly strategy?: { readonly file: string; readonly name: string };
}

const eur = (amount: number): Good['price'] => ({ amount, currency: 'EUR' });
const oneFree = { file: 'buy-one-get-one.js', name: 'one free for each one paid' };
const cheaper = { file: 'fixed-price-from.js', name: '4.50 each from three on' };
const twoThirds = { file: 'fraction-from.js', name: 'two thirds of the price each from three on' };
const twoThirdsEach = {
  file: 'fraction-of-unit-from.js',
  name: 'two thirds of the price, rounded, each from three on',
};

const usual: readonly Ware[] = [
  { sku: 'GR1', price: eur(311), strategy: oneFree },
  { sku: 'SR1', price: eur(500), strategy: cheaper },
  { sku: 'CF1', price: eur(1123), strategy: twoThirds },
  { sku: 'MF1', price: eur(500) },
];

/** What `npm start` opens: two supermarkets that sell alike, and a corner shop that is dearer, gives nothing away and rounds each piece. */
export const demoSupermarkets: Readonly<Record<string, readonly Ware[]>> = {
  north: usual,
  south: usual,
  corner: [
    { sku: 'GR1', price: eur(345) },
    { sku: 'SR1', price: eur(550), strategy: cheaper },
    { sku: 'CF1', price: eur(1199), strategy: twoThirdsEach },
    { sku: 'MF1', price: eur(520) },
  ],
};

/** The same in the catalogue, so that baskets can be ordered. */
export const demoGroceries: readonly Good[] = [
  { sku: 'GR1', name: 'Green tea, 20 bags', price: eur(311), initialStock: 20_000 },
  { sku: 'SR1', name: 'Strawberries, 250 g', price: eur(500), initialStock: 20_000 },
  { sku: 'CF1', name: 'Coffee, 250 g', price: eur(1123), initialStock: 20_000 },
  { sku: 'MF1', name: 'Muffins, a bag of four', price: eur(500), initialStock: 20_000 },
];
