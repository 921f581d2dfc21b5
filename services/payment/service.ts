import { paymentApi } from './api.ts';
import { paymentAudit } from './audit.ts';
import { httpProvider } from './http-provider.ts';
import { paymentArchive, paymentIndexes, paymentsCollection } from './model.ts';
import { paymentEntity } from './payment.ts';
import { defineService } from '#shared/host/service.ts';
import { address } from '#shared/variable-kinds.ts';

/** Authorizes, settles and undoes payments at the provider. */
export const service = defineService({
  name: 'payment',
  rights: { route: 'payment', answers: ['saga', 'order-and-saga'] },
  entity: paymentEntity,
  documents: {
    collection: paymentsCollection,
    archive: paymentArchive,
    indexes: paymentIndexes,
  },
  api: paymentApi,
  audit: paymentAudit,
  config: { PROVIDER_URL: address('http', 'https') },
  start(kit) {
    const provider = httpProvider({ url: kit.config.PROVIDER_URL });
    kit.host(paymentEntity({ provider }));
  },
});
