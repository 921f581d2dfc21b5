import { readFileSync } from 'node:fs';

/** What is sold, and how it is priced: as in the demo supermarkets. */
export const SUPERMARKET = 'bench';

export interface Sold {
  readonly sku: string;
  readonly price: number;
  /** The text of its strategy; absent: plain. */
  readonly source?: string;
}

const shipped = (name: string): string => readFileSync(`services/pricing/strategies/${name}.js`, 'utf8');

/** A slow script computes only for so many units, so that it passes its dry run. */
export const SLOW_QUANTITY = 5;
const SLOW_ROUNDS = 200_000;
/** Each a text of its own, as those of different products are. */
const slowScript = (n: number): string => `// Slow product ${n}.
export default ({ quantity, price }) => {
  let sum = 0;
  for (let i = 0; quantity === ${SLOW_QUANTITY} && i < ${SLOW_ROUNDS}; i += 1) sum = (sum + i) % 7;
  return quantity * price + 0 * sum;
};
`;

export const slowSkus = (many: number): readonly string[] => Array.from({ length: many }, (_, n) => `SLOW-${n}`);
export const MANY_SLOW = 16;

const usual: readonly Sold[] = [
  { sku: 'GR1', price: 311, source: shipped('buy-one-get-one') },
  { sku: 'SR1', price: 500, source: shipped('fixed-price-from') },
  { sku: 'CF1', price: 1123, source: shipped('fraction-from') },
  { sku: 'MF1', price: 500 },
];

export const sold: readonly Sold[] = [
  ...usual,
  ...slowSkus(MANY_SLOW).map((sku, n) => ({ sku, price: 100, source: slowScript(n) })),
];

const USERS = 10_000;
let last = 0;

export function nextUser(): string {
  last = (last + 1) % USERS;
  return `user-${last}`;
}

/** Five items of four products: one of each, and one of them twice. */
export function fiveItems(): readonly string[] {
  const again = usual[last % usual.length]!;
  return [...usual, again].map(({ sku }) => sku);
}

/** 10,000 items of three products, in turn. */
export function manyItems(): readonly string[] {
  return Array.from({ length: 10_000 }, (_, n) => usual[n % 3]!.sku);
}
