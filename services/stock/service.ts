import { stockApi } from './api.ts';
import { stockAudit, takingsAudit } from './audit.ts';
import { movementIndexes, movementsCollection, stockCollection } from './model.ts';
import { stockEntity } from './stock.ts';
import { defineService } from '#shared/host/service.ts';

/** Keeps how much there is of each SKU, and for whom. */
export const service = defineService({
  name: 'stock',
  rights: { route: 'stock', answers: ['saga', 'catalogue'] },
  entity: stockEntity,
  documents: { collection: stockCollection, journal: movementsCollection, journalIndexes: movementIndexes },
  api: stockApi,
  audit: [stockAudit, takingsAudit],
  config: {},
  start(kit) {
    kit.host(stockEntity({}));
  },
});
