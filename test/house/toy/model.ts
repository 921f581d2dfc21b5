import type { FraudState } from './fraud.ts';
import type { ArchiveRule } from '#shared/database/archive.ts';

export const fraudCollection = 'fraud_checks';

export const fraudArchive: ArchiveRule<FraudState> = { endedAt: ({ at }) => at };

export interface StoredCheck {
  readonly _id: string;
  readonly state?: FraudState;
}
