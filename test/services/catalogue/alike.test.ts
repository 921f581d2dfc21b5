/** CK-2 and CK-9: what is suggested to whoever buys something follows from the catalogue alone. */
import test from 'ava';
import { alike } from '#services/catalogue/alike.ts';
import type { ProductView } from '#services/catalogue/view.ts';

const categories: Readonly<Record<string, readonly string[]>> = {
  'book-1': ['books'],
  'book-2': ['books'],
  'book-3': ['books', 'gifts'],
  'card-1': ['gifts'],
  'tea-1': ['tea'],
  soap: [],
};
/** In the order of its names. */
const SHELF = ['soap', 'tea-1', 'book-1', 'book-2', 'book-3', 'card-1'];

const shelf = {
  categoriesOf: async (skus: readonly string[]) =>
    new Map(skus.flatMap((sku) => (categories[sku] ? [[sku, categories[sku]]] : []))),
  async list({ category, limit }: { readonly category?: string | undefined; readonly limit: number }) {
    const of = SHELF.filter((sku) => category === undefined || categories[sku]!.includes(category));
    return {
      items: of
        .slice(0, limit)
        .map((sku) => ({ sku, name: `The ${sku}`, price: { amount: 1, currency: 'EUR' } }) as ProductView),
    };
  },
};
const suggested = async (skus: readonly string[], limit = 3): Promise<readonly string[]> =>
  (await alike(shelf, skus, limit)).map(({ sku }) => sku);

test('those that share a category with the basket come first, then whatever there is', async (t) => {
  t.deepEqual(await suggested(['book-1']), ['book-2', 'book-3', 'soap']);
  t.deepEqual(await suggested(['book-3']), ['book-1', 'book-2', 'card-1']);
  t.deepEqual(await suggested(['card-1']), ['book-3', 'soap', 'tea-1']);
  t.deepEqual(await suggested(['tea-1', 'card-1']), ['book-3', 'soap', 'book-1']);
  t.deepEqual(await suggested(['soap']), ['tea-1', 'book-1', 'book-2'], 'of one that is in no category');
  t.deepEqual(await suggested(['unknown']), ['soap', 'tea-1', 'book-1']);
});

test('nothing of the basket is suggested, however much of the catalogue it has, and never more than asked for', async (t) => {
  for (let size = 1; size <= SHELF.length; size += 1) {
    const basket = SHELF.slice(0, size);
    for (const limit of [1, 2, 3]) {
      const found = await suggested(basket, limit);
      t.is(found.length, Math.min(limit, SHELF.length - size), `${size} of ${limit}`);
      t.true(found.every((sku) => !basket.includes(sku)));
      t.is(new Set(found).size, found.length);
    }
  }
});

test('the same basket, in any order, is suggested the same', async (t) => {
  const once = await suggested(['tea-1', 'card-1', 'book-1']);
  t.deepEqual(await suggested(['book-1', 'tea-1', 'card-1']), once);
  t.deepEqual(await suggested(['card-1', 'book-1', 'tea-1', 'tea-1']), once);
});
