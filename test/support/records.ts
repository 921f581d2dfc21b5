import type { FindRecords } from '#services/wallet/ledger.ts';
import type { JournalRecord } from '#shared/entity/entity.ts';

/** A wallet's port to a journal in memory. */
export function recordsIn(journal: Pick<ReadonlyMap<string, JournalRecord>, 'get'>): FindRecords {
  return async (ids) => ids.flatMap((id) => journal.get(id) ?? []);
}
