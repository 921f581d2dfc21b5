import { verificationRuleList } from './rules.ts';
import { toldRules, verificationRules } from '#services/checkout-rules.ts';
import { defineApi } from '#shared/web/api.ts';
import { answerLookup } from '#shared/web/lookup.ts';

const told = toldRules('verification', verificationRuleList);

export const verificationApi = defineApi({
  view: () => ({}),
  endpoints: () => [],
  lookups: () => [answerLookup(verificationRules, async () => told)],
});
