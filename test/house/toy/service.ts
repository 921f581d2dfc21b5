import { fraudApi } from './api.ts';
import { fraudAudit } from './audit.ts';
import { fraudEntity } from './fraud.ts';
import { fraudArchive, fraudCollection } from './model.ts';
import { defineService } from '#shared/host/service.ts';

export const service = defineService({
  name: 'fraud',
  rights: { route: 'fraud', answers: ['saga'] },
  entity: fraudEntity,
  documents: { collection: fraudCollection, archive: fraudArchive },
  api: fraudApi,
  audit: fraudAudit,
  config: {},
  start(kit) {
    kit.host(fraudEntity());
  },
});
