import type { LoyaltyState } from './loyalty.ts';
import type { ArchiveRule } from '#shared/database/archive.ts';

export const loyaltyCollection = 'loyalty_checks';

export const loyaltyArchive: ArchiveRule<LoyaltyState> = { endedAt: ({ at }) => at };

export interface StoredCheck {
  readonly _id: string;
  readonly state?: LoyaltyState;
}
