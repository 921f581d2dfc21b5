import { loyaltyApi } from './api.ts';
import { loyaltyAudit } from './audit.ts';
import { loyaltyEntity } from './loyalty.ts';
import { loyaltyArchive, loyaltyCollection } from './model.ts';
import { defineService } from '#shared/host/service.ts';

export const service = defineService({
  name: 'loyalty',
  rights: { route: 'loyalty', answers: ['saga'] },
  entity: loyaltyEntity,
  documents: { collection: loyaltyCollection, archive: loyaltyArchive },
  api: loyaltyApi,
  audit: loyaltyAudit,
  config: {},
  start(kit) {
    kit.host(loyaltyEntity());
  },
});
