import { basketApi } from './api.ts';
import { basketEntity } from './basket.ts';
import { basketsCollection } from './model.ts';
import { basketAnswers } from './answers.ts';
import { place } from '#services/order/contract.ts';
import { price } from '#services/pricing/contract.ts';
import { defineService } from '#shared/host/service.ts';

/** Keeps what users put into baskets, and says what a basket costs by asking for each product. */
export const service = defineService({
  name: 'basket',
  rights: { route: 'basket', answersQuestions: true, questions: [price.route], commands: [place.route] },
  entity: () => basketEntity,
  answers: basketAnswers,
  documents: { collection: basketsCollection },
  api: basketApi,
  config: {},
  start({ asker, host, log }) {
    host(basketEntity, basketAnswers({ ask: asker.ask, log }));
  },
});
