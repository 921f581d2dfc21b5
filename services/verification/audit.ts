import { verificationCollection } from './model.ts';
import { causalAudit } from '#services/causal-audit.ts';

export const verificationAudit = causalAudit(verificationCollection);
