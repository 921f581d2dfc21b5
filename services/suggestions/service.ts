import { suggestionsAudit } from './audit.ts';
import { suggestionsArchive, suggestionsCollection } from './model.ts';
import { suggestionsEntity } from './suggestions.ts';
import { alikeProducts } from '#services/catalogue/contract.ts';
import { defineService } from '#shared/host/service.ts';
import { databaseVariables } from '#shared/host/variables.ts';
import { storedLookUp } from '#shared/web/api.ts';

/** Suggests what else there is. */
export const service = defineService({
  name: 'suggestions',
  rights: { route: 'suggestions', answers: ['checkout'] },
  entity: suggestionsEntity,
  documents: { collection: suggestionsCollection, archive: suggestionsArchive },
  audit: suggestionsAudit,
  config: databaseVariables,
  start({ services, db, clock, host }) {
    const lookUp = storedLookUp(services, db, clock);
    host(suggestionsEntity({ alike: (skus, limit) => lookUp(alikeProducts, { skus, limit }) }));
  },
});
