import { deliveryApi } from './api.ts';
import { deliveryAudit } from './audit.ts';
import { deliveryEntity } from './delivery.ts';
import { httpWarehouse, triesWithin } from './http-warehouse.ts';
import { deliveriesCollection, deliveryArchive } from './model.ts';
import { ttlMsOf, ttlVariables } from '#shared/bus/topology/ttl.ts';
import { limitsFor } from '#shared/entity/options.ts';
import { defineService } from '#shared/host/service.ts';
import { address } from '#shared/variable-kinds.ts';

/** Has the warehouse deliver what was paid, and takes it back. */
export const service = defineService({
  name: 'delivery',
  rights: { route: 'delivery', answers: ['saga'] },
  entity: deliveryEntity,
  documents: { collection: deliveriesCollection, archive: deliveryArchive },
  api: deliveryApi,
  audit: deliveryAudit,
  config: { ...ttlVariables, WAREHOUSE_URL: address('http', 'https') },
  start(kit) {
    const { effectMs } = limitsFor(ttlMsOf(kit.config, 'delivery'));
    const warehouse = httpWarehouse({ url: kit.config.WAREHOUSE_URL, tries: triesWithin(effectMs), clock: kit.clock });
    kit.host(deliveryEntity({ warehouse }));
  },
});
