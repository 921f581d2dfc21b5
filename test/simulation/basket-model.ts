/** What baskets of a simulated town must cost: each strategy as a function, and each number of pieces tells whose it is. */
import { readFileSync } from 'node:fs';
import { PLAIN } from '#services/pricing/contract.ts';
import { versionOf } from '#services/pricing/scripts/version.ts';

/** Two thirds of the price from three on. */
export const shipped = readFileSync('services/pricing/strategies/fraction-from.js', 'utf8');
/** Whatever a call before it had left would be charged as well. */
export const remembering =
  'let left = 0;\nexport default ({ quantity, price }) => { left += 2 * quantity * price; return left; };';

type Exact = (quantity: number, price: number) => number;
const exact: ReadonlyMap<string, Exact> = new Map<string, Exact>([
  [PLAIN.version, (quantity, price) => quantity * price],
  [versionOf(remembering), (quantity, price) => 2 * quantity * price],
  [
    versionOf(shipped),
    (quantity, price) => (quantity < 3 ? quantity * price : Math.floor((4 * quantity * price + 3) / 6)),
  ],
]);

export interface Owner {
  readonly supermarketId: string;
  readonly userId: string;
}
/** Two users in each of two supermarkets; each has numbers of pieces that nobody else has. */
export const owners: readonly Owner[] = ['north', 'south'].flatMap((supermarketId) =>
  ['olga', 'pete'].map((userId) => ({ supermarketId, userId })),
);
export const users: readonly string[] = [...new Set(owners.map(({ userId }) => userId))];

/** Of each of them. */
export const FUNDS = 10_000_000;

/** Of each good, by supermarket. */
export const prices: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  north: { book: 1123, 'eur-60': 311, 'eur-100': 500 },
  south: { book: 1199, 'eur-60': 345, 'eur-100': 550 },
};

/** Numbers of pieces are small multiples of one's own prime, and so is what an order leaves of them. */
const SIGNS = [7, 11, 13, 17];

/** The `n`th number of pieces of an owner, up to the fifth. */
export const piecesOf = (owner: Owner, n: number): number => (1 + n) * SIGNS[owners.indexOf(owner)]!;

const ownerOf = (pieces: number): Owner | undefined => owners[SIGNS.findIndex((sign) => pieces % sign === 0)];

export interface Charged {
  readonly sku: string;
  readonly quantity: number;
  readonly unitPrice: { readonly amount: number };
  readonly amount: number;
  readonly version: string;
}

/** What is wrong with lines that one of the owners was shown, or is charged, and with their total. */
export function chargedFaults(userId: string, lines: readonly Charged[], total: number): readonly string[] {
  const [first] = lines;
  if (first === undefined) return total === 0 ? [] : [`nothing costs ${total}`];
  const supermarketId = ownerOf(first.quantity)?.supermarketId ?? 'nowhere';
  const sum = lines.reduce((all, { amount }) => all + amount, 0);
  return [
    ...(sum === total ? [] : [`lines of ${sum} have a total of ${total}`]),
    ...lines.flatMap(({ sku, quantity, unitPrice, amount, version }) => {
      const whose = ownerOf(quantity);
      if (whose?.userId !== userId || whose.supermarketId !== supermarketId)
        return [`${userId} in ${supermarketId} has ${quantity} ${sku} of ${whose?.userId} in ${whose?.supermarketId}`];
      if (unitPrice.amount !== prices[supermarketId]![sku])
        return [`${sku} costs ${unitPrice.amount} in ${supermarketId}`];
      const right = exact.get(version)?.(quantity, unitPrice.amount);
      return amount === right ? [] : [`${quantity} ${sku} cost ${amount}, by version ${version} ${right}`];
    }),
  ];
}
