import { verificationApi } from './api.ts';
import { verificationAudit } from './audit.ts';
import { verificationArchive, verificationCollection } from './model.ts';
import { httpTokenizer } from './tokenizer.ts';
import { verificationEntity } from './verification.ts';
import { tellCardKey } from '#services/card-keys.ts';
import { cardKey, cardSecret } from '#services/card-sealing.ts';
import { defineService } from '#shared/host/service.ts';
import { databaseVariables } from '#shared/host/variables.ts';
import { address } from '#shared/variable-kinds.ts';

/** Looks whether a checkout is complete and its card has the form of one. */
export const service = defineService({
  name: 'verification',
  rights: { route: 'verification', answers: ['checkout'] },
  entity: verificationEntity,
  documents: { collection: verificationCollection, archive: verificationArchive },
  api: verificationApi,
  audit: verificationAudit,
  config: {
    ...databaseVariables,
    PROVIDER_URL: address('http', 'https'),
    /** Of the key that cards are sealed with for this service; 32 characters or more. */
    VERIFICATION_CARD_SECRET: cardSecret,
  },
  start(kit) {
    const { PROVIDER_URL, VERIFICATION_CARD_SECRET } = kit.config;
    const { publicKey, open } = cardKey(VERIFICATION_CARD_SECRET);
    tellCardKey(kit, 'verification', publicKey);
    kit.host(verificationEntity({ verificationCards: { open }, tokenizer: httpTokenizer({ url: PROVIDER_URL }) }));
  },
});
