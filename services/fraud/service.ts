import { fraudApi } from './api.ts';
import { fraudAudit } from './audit.ts';
import { fraudEntity } from './fraud.ts';
import { fraudArchive, fraudCollection } from './model.ts';
import { tellCardKey } from '#services/card-keys.ts';
import { cardKey, cardSecret } from '#services/card-sealing.ts';
import { defineService } from '#shared/host/service.ts';
import { databaseVariables } from '#shared/host/variables.ts';

/** Looks whether a user or a card speaks of fraud. */
export const service = defineService({
  name: 'fraud',
  rights: { route: 'fraud', answers: ['checkout'] },
  entity: fraudEntity,
  documents: { collection: fraudCollection, archive: fraudArchive },
  api: fraudApi,
  audit: fraudAudit,
  config: {
    ...databaseVariables,
    /** Of the key that cards are sealed with for this service; 32 characters or more. */
    FRAUD_CARD_SECRET: cardSecret,
  },
  start(kit) {
    const { publicKey, open } = cardKey(kit.config.FRAUD_CARD_SECRET);
    tellCardKey(kit, 'fraud', publicKey);
    kit.host(fraudEntity({ fraudCards: { open } }));
  },
});
