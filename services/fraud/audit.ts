import { fraudCollection } from './model.ts';
import { causalAudit } from '#services/causal-audit.ts';

export const fraudAudit = causalAudit(fraudCollection);
