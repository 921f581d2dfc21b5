import type { OfferedProduct } from './contract.ts';
import type { ProductQueries } from './view.ts';

/** Other products than these: first those that share a category, then whatever there is; the same catalogue gives the same. */
export async function alike(
  products: Pick<ProductQueries, 'categoriesOf' | 'list'>,
  skus: readonly string[],
  limit: number,
): Promise<readonly OfferedProduct[]> {
  const theirs = await products.categoriesOf(skus);
  const categories = [...new Set([...theirs.values()].flat())].toSorted();
  const found = new Map<string, OfferedProduct>();
  for (const category of [...categories, undefined]) {
    if (found.size >= limit) break;
    const { items } = await products.list({ category, limit: limit + skus.length });
    for (const { sku, name, price } of items)
      if (!skus.includes(sku) && found.size < limit) found.set(sku, { sku, name, price });
  }
  return [...found.values()];
}
