import { fraudRuleList } from './rules.ts';
import { toldRules, fraudRules } from '#services/checkout-rules.ts';
import { defineApi } from '#shared/web/api.ts';
import { answerLookup } from '#shared/web/lookup.ts';

const told = toldRules('fraud', fraudRuleList);

export const fraudApi = defineApi({
  view: () => ({}),
  endpoints: () => [],
  lookups: () => [answerLookup(fraudRules, async () => told)],
});
