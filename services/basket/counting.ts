import { z } from 'zod';
import type { AskedLine } from './contract.ts';
import { sku as skuField } from '#services/fields.ts';

/** Items of one request. */
export const MAX_COUNTED = 20_000;
/** Of one product in one basket. */
const MAX_QUANTITY = 100_000_000;

/** Whole numbers are ids as well: 1 is "1". */
export const anyId = z.union([z.string(), z.int()]).transform(String);
export const itemsField = z
  .array(
    z.union([
      z.string(),
      z.int(),
      z.strictObject({
        sku: z.union([z.string(), z.int()]).describe('Which product.'),
        quantity: z.int().min(1).max(1_000_000).describe('How many.'),
      }),
    ]),
  )
  .max(MAX_COUNTED);
export type CountedItem = z.output<typeof itemsField>[number];

export interface Counted {
  /** Each SKU once, in the order of their code units. */
  readonly lines: readonly AskedLine[];
  /** What can be no SKU, so that there is no such product. */
  readonly unfit: readonly string[];
  /** SKUs of which more are asked for than fit in a basket. */
  readonly tooMany: readonly string[];
}

/** Equal SKUs count together, wherever and however they stand. */
export function counted(items: readonly CountedItem[]): Counted {
  const quantities = new Map<string, number>();
  for (const item of items) {
    const { sku, quantity } = typeof item === 'object' ? item : { sku: item, quantity: 1 };
    const code = typeof sku === 'number' ? String(sku) : sku;
    quantities.set(code, (quantities.get(code) ?? 0) + quantity);
  }
  const codes = [...quantities.keys()].toSorted((a, b) => (a < b ? -1 : 1));
  const unfit = codes.filter((code) => !skuField.safeParse(code).success);
  const lines = codes.map((sku) => ({ sku, quantity: quantities.get(sku)! }));
  const tooMany = lines.filter(({ quantity }) => quantity > MAX_QUANTITY).map(({ sku }) => sku);
  return { lines, unfit, tooMany };
}
