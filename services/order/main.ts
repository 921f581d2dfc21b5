import { orderArchive, orderIndexes, ordersCollection } from './model.ts';
import { orderEntity } from './order.ts';
import { routeTable } from '#services/routes.ts';
import { defineService, runProcess } from '#shared/host/service.ts';

/** Keeps what customers ordered and what became of it. */
export const service = defineService({
  name: 'order',
  table: routeTable,
  config: {},
  start(kit) {
    kit.host(orderEntity, { collection: ordersCollection, archive: orderArchive, indexes: orderIndexes });
  },
});

if (import.meta.main) await runProcess(service);
