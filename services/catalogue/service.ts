import { catalogueApi } from './api.ts';
import { productCategories } from './migrations/0001-product-categories.ts';
import { productIndexes, productsCollection } from './model.ts';
import { productEntity } from './product.ts';
import { defineService } from '#shared/host/service.ts';

/** Keeps what is sold, and its price. */
export const service = defineService({
  name: 'catalogue',
  rights: { route: 'catalogue' },
  entity: () => productEntity,
  documents: { collection: productsCollection, indexes: productIndexes },
  api: catalogueApi,
  migrations: [productCategories],
  config: {},
  start(kit) {
    kit.host(productEntity);
  },
});
