import { type CausalState, clearedAt } from '#services/causal-entity.ts';
import type { ArchiveRule } from '#shared/database/archive.ts';

export const verificationCollection = 'verifications';
export const verificationArchive: ArchiveRule<CausalState> = { endedAt: clearedAt };
