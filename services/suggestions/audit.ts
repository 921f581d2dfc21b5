import { suggestionsCollection } from './model.ts';
import { causalAudit } from '#services/causal-audit.ts';

export const suggestionsAudit = causalAudit(suggestionsCollection);
