import { type CausalState, clearedAt } from '#services/causal-entity.ts';
import type { ArchiveRule } from '#shared/database/archive.ts';

export const fraudCollection = 'fraud_checks';
export const fraudArchive: ArchiveRule<CausalState> = { endedAt: clearedAt };
