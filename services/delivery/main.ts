import { z } from 'zod';
import { deliveryEntity } from './delivery.ts';
import { httpWarehouse, triesWithin } from './http-warehouse.ts';
import { deliveriesCollection } from './model.ts';
import { routeTable } from '#services/routes.ts';
import { limitsFor } from '#shared/entity/limits.ts';
import { defineService, runProcess } from '#shared/service.ts';

/** Has the warehouse deliver what was paid, and takes it back. */
export const service = defineService({
  name: 'delivery',
  table: routeTable,
  config: { WAREHOUSE_URL: z.url({ protocol: /^https?$/ }) },
  start(kit) {
    const { WAREHOUSE_URL, GATE_POLICIES, MESSAGE_TTL_MS } = kit.config;
    const { effectMs } = limitsFor(GATE_POLICIES['delivery']?.ttlMs ?? MESSAGE_TTL_MS);
    const warehouse = httpWarehouse({ url: WAREHOUSE_URL, tries: triesWithin(effectMs), clock: kit.clock });
    kit.host(deliveryEntity({ warehouse }), { collection: deliveriesCollection });
  },
});

if (import.meta.main) await runProcess(service);
