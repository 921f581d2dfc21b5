import * as contract from './contract.ts';
import { answering, type Entity, on } from '#shared/entity/entity.ts';

export interface LoyaltyState {
  readonly status: 'cleared' | 'refused' | 'forgotten';
  /** Epoch ms. */
  readonly at: number;
}

const LIMIT_MINOR = 1_000_000_000;

export function loyaltyEntity(): Entity<LoyaltyState> {
  return {
    route: 'loyalty',
    handlers: [
      on(contract.check, (state, { orderId, amount }, context) => {
        const known = state ?? { status: amount.amount > LIMIT_MINOR ? 'refused' : 'cleared', at: context.now };
        return known.status === 'cleared'
          ? answering(known, context.answer(contract.cleared, { orderId }))
          : answering(known, context.answer(contract.refused, { orderId, reason: known.status }));
      }),
      on(contract.forget, (state, { orderId }, context) => {
        const known = { status: 'forgotten', at: state?.at ?? context.now } as const;
        return answering(known, context.answer(contract.forgotten, { orderId }));
      }),
    ],
  };
}
