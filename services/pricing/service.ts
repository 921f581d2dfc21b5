import { pricingApi } from './api.ts';
import { pricingAudit } from './audit.ts';
import { pricingCollection, pricingIndexes } from './model.ts';
import { storedOffers } from './offers.ts';
import { pricingEntity } from './pricing.ts';
import { priceAnswers } from './quoting.ts';
import { createScripts } from './scripts/scripts.ts';
import { createSources } from './sources.ts';
import { databaseVariables } from '#shared/host/variables.ts';
import { defineService } from '#shared/host/service.ts';
import { storedLookUp } from '#shared/web/api.ts';

/** Says what a product costs: the price of the supermarket or of the catalogue, and the strategy that computes from it. */
export const service = defineService({
  name: 'pricing',
  rights: { route: 'pricing', answersQuestions: true },
  entity: pricingEntity,
  answers: priceAnswers,
  documents: { collection: pricingCollection, indexes: pricingIndexes },
  api: pricingApi,
  audit: pricingAudit,
  config: { ...databaseVariables },
  start({ db, clock, log, services, host, onStop }) {
    const { keep, readOne } = createSources(db);
    const scripts = createScripts({ clock });
    // So that the first strategy does not wait for a thread to begin.
    scripts.check('export default () => 0;').catch(() => {});
    onStop(() => scripts.close());
    const readOffer = storedOffers(db, storedLookUp(services, db, clock), clock);
    host(pricingEntity({ scripts, keepSource: keep }), priceAnswers({ readOffer, readSource: readOne, scripts, log }));
  },
});
