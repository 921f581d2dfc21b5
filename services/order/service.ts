import { orderApi } from './api.ts';
import { orderAudit } from './audit.ts';
import { orderArchive, orderIndexes, ordersCollection } from './model.ts';
import { orderEntity } from './order.ts';
import { defineService } from '#shared/host/service.ts';

/** Keeps what customers ordered and what became of it. */
export const service = defineService({
  name: 'order',
  rights: { route: 'order', answers: ['saga'] },
  entity: () => orderEntity,
  documents: { collection: ordersCollection, archive: orderArchive, indexes: orderIndexes },
  api: orderApi,
  audit: orderAudit,
  config: {},
  start(kit) {
    kit.host(orderEntity);
  },
});
