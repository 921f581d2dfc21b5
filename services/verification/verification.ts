import * as contract from './contract.ts';
import { basketRules, cardRules, userRules } from './rules.ts';
import type { Tokenizer } from './tokenizer.ts';
import type { CardOpener } from '#services/card-sealing.ts';
import { type CausalState, clears, takes, takesInRow, verdict } from '#services/causal-entity.ts';
import { judged } from '#services/checkout-rules.ts';
import type { Entity } from '#shared/entity/entity.ts';

export interface VerificationOptions {
  readonly verificationCards: CardOpener;
  readonly tokenizer: Tokenizer;
}

/** What a checkout says, looked at for completeness and form: events A, B and C of an order. */
export function verificationEntity({ verificationCards, tokenizer }: VerificationOptions): Entity<CausalState> {
  return {
    route: 'verification',
    handlers: [
      takes(contract.checkItems, 'A', (body) => verdict(judged('A', basketRules, body))),
      takes(contract.checkUser, 'B', (body) => verdict(judged('B', userRules, body))),
      takesInRow(contract.checkForm, [
        ['A', (body) => verdict(judged('A', basketRules, body))],
        ['B', (body) => verdict(judged('B', userRules, body))],
      ]),
      takes(contract.checkCard, 'C', async (body, context) => {
        const card = await verificationCards.open(body.card);
        const reason = judged('C', cardRules, { card, now: context.now });
        if (reason !== undefined) return { passed: false, reason };
        const { id, traceparent } = context.message;
        const call = { idempotencyKey: id, signal: context.signal, ...(traceparent !== undefined && { traceparent }) };
        return { passed: true, tells: { paymentMethod: await tokenizer.tokenOf(card, call) } };
      }),
      clears(contract.clear),
    ],
  };
}
