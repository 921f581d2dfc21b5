import * as contract from './contract.ts';
import { buyerRules, payerRules } from './rules.ts';
import type { CardOpener } from '#services/card-sealing.ts';
import { type CausalState, clears, takes, verdict } from '#services/causal-entity.ts';
import { judged } from '#services/checkout-rules.ts';
import type { Entity } from '#shared/entity/entity.ts';

export interface FraudOptions {
  readonly fraudCards: CardOpener;
}

/** Whether a user, or a card, speaks of fraud: events D and E of an order. */
export function fraudEntity({ fraudCards }: FraudOptions): Entity<CausalState> {
  return {
    route: 'fraud',
    handlers: [
      takes(contract.checkUser, 'D', (body) => verdict(judged('D', buyerRules, body))),
      takes(contract.checkCard, 'E', async (body, { now }) => {
        const card = await fraudCards.open(body.card);
        return verdict(judged('E', payerRules, { ...body, card, now }));
      }),
      clears(contract.clear),
    ],
  };
}
