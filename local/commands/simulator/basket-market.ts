/** Where simulated baskets are filled: two supermarkets with prices of their own, and what each strategy that is swapped in computes. */
import { readFileSync } from 'node:fs';
import { settled } from './asking.ts';
import type { Api } from '#local/commands/api.ts';
import type { Good } from '#local/stack/demo-catalogue.ts';
import { Trouble } from '#local/stack/trouble.ts';
import { PLAIN } from '#services/pricing/contract.ts';
import { versionOf } from '#services/pricing/scripts/version.ts';
import type { Clock } from '#shared/clock.ts';

export interface BasketItem {
  readonly sku: string;
  readonly quantity: number;
}

/** A line that a basket shows. */
export interface ShownLine extends BasketItem {
  readonly unitPrice: { readonly amount: number; readonly currency: string };
  readonly amount: number;
  readonly strategy: { readonly version: string };
}

/** In minor units of EUR, by SKU. Nothing is cheaper than what `fixed-price-from` makes of it. */
const prices: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  'sim-north': { 'sim-tea': 911, 'sim-berries': 500, 'sim-coffee': 1123, 'sim-muffins': 520 },
  'sim-south': { 'sim-tea': 945, 'sim-berries': 550, 'sim-coffee': 1199, 'sim-muffins': 487 },
};
export const SUPERMARKETS: readonly string[] = Object.keys(prices);
export const SKUS: readonly string[] = Object.keys(prices['sim-north']!);
/** What no supermarket has. */
export const UNKNOWN_SKU = 'sim-unicorn';

/** Baskets are only ordered where the catalogue has the products. */
export const basketGoods: readonly Good[] = SKUS.map((sku) => ({
  sku,
  name: `Groceries: ${sku}`,
  price: { amount: prices['sim-north']![sku]!, currency: 'EUR' },
  initialStock: 0,
}));

interface Strategy {
  readonly name: string;
  readonly version: string;
  readonly source: string;
  /** What it has to compute. */
  readonly amount: (quantity: number, price: number) => number;
}

const third = (numerator: number): number => Math.floor((2 * numerator + 3) / 6);

/** All that are swapped in; none takes more than quantity times price. */
export const STRATEGIES: readonly Strategy[] = [
  shipped('buy-one-get-one', (quantity, price) => price * Math.ceil(quantity / 2)),
  shipped('fixed-price-from', (quantity, price) => quantity * (quantity < 3 ? price : 450)),
  shipped('fraction-from', (quantity, price) => (quantity < 3 ? quantity * price : third(2 * quantity * price))),
  shipped('fraction-of-unit-from', (quantity, price) => quantity * (quantity < 3 ? price : third(2 * price))),
];

function shipped(name: string, amount: Strategy['amount']): Strategy {
  const folder = new URL('../../../services/pricing/strategies/', import.meta.url);
  const source = readFileSync(new URL(`${name}.js`, folder), 'utf8');
  return { name, version: versionOf(source), source, amount };
}

/** What these cost at most. */
export function mostFor(supermarketId: string, items: readonly BasketItem[]): number {
  return items.reduce((sum, { sku, quantity }) => sum + quantity * prices[supermarketId]![sku]!, 0);
}

/** Why this can not be what these items cost in that supermarket; `undefined`: each line is what its version computes, and so is the sum. */
export function basketFault(
  supermarketId: string,
  items: readonly BasketItem[],
  shown: { readonly total: { readonly amount: number }; readonly lines: readonly ShownLine[] },
): string | undefined {
  const told = (lines: readonly BasketItem[]): string =>
    lines
      .map(({ sku, quantity }) => `${quantity} ${sku}`)
      .toSorted()
      .join(', ') || 'nothing';
  if (told(shown.lines) !== told(items)) return `it has ${told(shown.lines)} in the place of ${told(items)}`;
  const wrong = shown.lines.map((line) => lineFault(supermarketId, line)).find((fault) => fault !== undefined);
  if (wrong !== undefined) return wrong;
  const sum = shown.lines.reduce((total, { amount }) => total + amount, 0);
  return sum === shown.total.amount ? undefined : `lines of ${sum} have a total of ${shown.total.amount}`;
}

function lineFault(supermarketId: string, line: ShownLine): string | undefined {
  const { sku, quantity, unitPrice, amount, strategy } = line;
  const price = prices[supermarketId]?.[sku];
  if (price !== unitPrice.amount) return `${sku} costs ${unitPrice.amount} in ${supermarketId}, not ${price}`;
  const known = STRATEGIES.find(({ version }) => version === strategy.version);
  if (known === undefined && strategy.version !== PLAIN.version) return `${sku} names the version ${strategy.version}`;
  const right = known === undefined ? quantity * price : known.amount(quantity, price);
  return amount === right ? undefined : `${quantity} ${sku} cost ${amount}, by ${known?.name ?? 'plain'} ${right}`;
}

/** Sets the prices. @throws {Trouble} */
export async function openSupermarkets({ api, clock }: { readonly api: Pick<Api, 'put'>; readonly clock: Clock }) {
  for (const [supermarketId, own] of Object.entries(prices))
    for (const [sku, amount] of Object.entries(own)) {
      const what = `${sku} could not be priced in ${supermarketId}`;
      const path = `/v1/supermarkets/${supermarketId}/prices/${sku}`;
      const { status, body } = await settled(what, clock, () => api.put(path, { amount, currency: 'EUR' }));
      if (status >= 300) throw new Trouble(`${what}: ${status} ${JSON.stringify(body)}`);
    }
}
