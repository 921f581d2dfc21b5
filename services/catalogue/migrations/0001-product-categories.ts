import { productsCollection } from '#services/catalogue/model.ts';
import { majorityCollection } from '#shared/database/majority.ts';
import { changeDocuments, type Migration } from '#shared/database/migration.ts';

/** Lists by category are in the order of names, as all lists of products. */
const INDEX = { 'state.categories': 1, 'state.listKey': 1 } as const;
const EXISTS = { 'state.listKey': { $exists: true } };

/** Every product has a list of the categories that it is in. Back: the links are gone. */
export const productCategories: Migration = {
  name: '0001-product-categories',
  async up(run) {
    await majorityCollection(run.db, productsCollection).createIndex(INDEX);
    await changeDocuments(run, {
      collection: productsCollection,
      needing: { ...EXISTS, 'state.categories': { $exists: false } },
      change: { $set: { 'state.categories': [] } },
    });
  },
  async down(run) {
    const products = majorityCollection(run.db, productsCollection);
    const indexes = await products.indexes().catch(() => []);
    for (const { key, name } of indexes)
      if (JSON.stringify(key) === JSON.stringify(INDEX)) await products.dropIndex(name!);
    await changeDocuments(run, {
      collection: productsCollection,
      needing: { 'state.categories': { $exists: true } },
      change: { $unset: { 'state.categories': 1 } },
    });
  },
};
