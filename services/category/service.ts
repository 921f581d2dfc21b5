import { categoryApi } from './api.ts';
import { categoryEntity } from './category.ts';
import { categoriesCollection, categoryIndexes } from './model.ts';
import { defineService } from '#shared/host/service.ts';

/** Keeps the categories that products are sorted into; the links are the products'. */
export const service = defineService({
  name: 'category',
  rights: { route: 'category' },
  entity: () => categoryEntity,
  documents: { collection: categoriesCollection, indexes: categoryIndexes },
  api: categoryApi,
  config: {},
  start(kit) {
    kit.host(categoryEntity);
  },
});
