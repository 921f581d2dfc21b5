import { type CausalState, clearedAt } from '#services/causal-entity.ts';
import type { ArchiveRule } from '#shared/database/archive.ts';

export const suggestionsCollection = 'suggestions';
export const suggestionsArchive: ArchiveRule<CausalState> = { endedAt: clearedAt };
