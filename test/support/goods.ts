/** What tests order: each price is a good of its own, and there is plenty of each. */
import type { Good } from '#local/stack/demo-catalogue.ts';
import type { Currency } from '#services/money.ts';

const PLENTY = 1_000_000;
const USUAL = 1000;

/** The sku of what costs so much. */
export function skuOf(amount = USUAL, currency = 'EUR'): string {
  return amount === USUAL && currency === 'EUR' ? 'book' : `${currency.toLowerCase()}-${amount}`;
}

export function goodAt(amount: number, currency: Currency = 'EUR', sku = skuOf(amount, currency)): Good {
  return { sku, name: `What costs ${amount} ${currency}`, price: { amount, currency }, initialStock: PLENTY };
}

/** Of this there are a few only. */
export const SCARCE: Good = { ...goodAt(USUAL, 'EUR', 'scarce'), initialStock: 3 };

/** On the shelves of every test's stack. */
export const goods: readonly Good[] = [
  ...[1, 2, 60, 100, USUAL, 2599, 4200, 50_000, 1_000_001].map((amount) => goodAt(amount)),
  goodAt(USUAL, 'USD'),
  goodAt(USUAL, 'EUR', 'no-delivery'),
  SCARCE,
];
