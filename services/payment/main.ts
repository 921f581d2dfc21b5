import { z } from 'zod';
import { httpProvider } from './http-provider.ts';
import { paymentArchive, paymentIndexes, paymentsCollection } from './model.ts';
import { paymentEntity } from './payment.ts';
import { routeTable } from '#services/routes.ts';
import { defineService, runProcess } from '#shared/host/service.ts';

/** Authorizes, settles and undoes payments at the provider. */
export const service = defineService({
  name: 'payment',
  table: routeTable,
  config: { PROVIDER_URL: z.url({ protocol: /^https?$/ }) },
  start(kit) {
    const provider = httpProvider({ url: kit.config.PROVIDER_URL });
    kit.host(paymentEntity({ provider }), {
      collection: paymentsCollection,
      archive: paymentArchive,
      indexes: paymentIndexes,
    });
  },
});

if (import.meta.main) await runProcess(service);
