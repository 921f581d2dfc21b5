import * as contract from './contract.ts';
import { type CausalState, clears, takes } from '#services/causal-entity.ts';
import type { Entity } from '#shared/entity/entity.ts';

/** What else a shop has for somebody who buys these: those that are most alike first, none of these. */
export type Alike = (skus: readonly string[], limit: number) => Promise<readonly contract.Suggestion[]>;

export interface SuggestionsOptions {
  readonly alike: Alike;
}

/** What is suggested to whoever was approved: event F of an order. Nothing to suggest is no reason to reject anybody. */
export function suggestionsEntity({ alike }: SuggestionsOptions): Entity<CausalState> {
  return {
    route: 'suggestions',
    handlers: [
      takes(contract.find, 'F', async ({ skus }) => {
        const found = await alike(skus, contract.MAX_SUGGESTIONS);
        const suggestions = found
          .filter(({ sku }) => !skus.includes(sku))
          .slice(0, contract.MAX_SUGGESTIONS)
          .map(({ sku, name }) => ({ sku, name }));
        return { passed: true, tells: { suggestions } };
      }),
      clears(contract.clear),
    ],
  };
}
