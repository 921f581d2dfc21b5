import { catalogueApi } from './api.ts';
import { productCategories } from './migrations/0001-product-categories.ts';
import { catalogueAudit } from './audit.ts';
import { productIndexes, productsCollection } from './model.ts';
import { productEntity } from './product.ts';
import { open as openStock } from '#services/stock/contract.ts';
import { defineService } from '#shared/host/service.ts';

/** Keeps what is sold, and its price. */
export const service = defineService({
  name: 'catalogue',
  rights: { route: 'catalogue', commands: [openStock.route] },
  entity: () => productEntity,
  documents: { collection: productsCollection, indexes: productIndexes },
  api: catalogueApi,
  migrations: [productCategories],
  audit: catalogueAudit,
  config: {},
  start(kit) {
    kit.host(productEntity);
  },
});
