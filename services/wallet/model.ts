import type { Connection } from 'mongoose';
import type { Entry, FindRecords } from './ledger.ts';
import type { JournalRecord } from '#shared/entity/entity.ts';
import type { WalletState } from './wallet.ts';
import { majorityCollection } from '#shared/database/majority.ts';
import { foundTogether } from '#shared/database/together.ts';

export const walletsCollection = 'wallets';
export const entriesCollection = 'wallet_entries';

/** For the list of a customer's entries, newest first. */
export const entryIndexes = [{ customerId: 1, seq: -1 }] as const;

/** What is read of a stored wallet; `_id` is the customer's id. */
export interface StoredWallet {
  readonly _id: string;
  readonly state?: WalletState;
  /** Entries, and marks of undos, that may not be in their collection yet. */
  readonly journal?: readonly JournalRecord[];
}

export type StoredEntry = Entry & { readonly _id: string };

/**
 * The wallet's port to its own journal. What it reads decides about money, so it must not be rolled back. A record that is
 * not here yet rides in the document, which the wallet looks through by itself: it leaves only after it reached the collection.
 */
export function findRecordsIn(db: Connection): FindRecords {
  const find = foundTogether(() => majorityCollection<JournalRecord & { readonly _id: string }>(db, entriesCollection));
  return async (ids) => {
    const found = await find(ids);
    return ids.flatMap((id) => found.get(id) ?? []);
  };
}
