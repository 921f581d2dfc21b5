import type { Connection } from 'mongoose';
import type { Entry, FindEntry } from './ledger.ts';
import type { WalletState } from './wallet.ts';

export const walletsCollection = 'wallets';
export const entriesCollection = 'wallet_entries';

/** For the list of a customer's entries, newest first. */
export const entryIndexes = [{ customerId: 1, seq: -1 }] as const;

/** What is read of a stored wallet; `_id` is the customer's id. */
export interface StoredWallet {
  readonly _id: string;
  readonly state?: WalletState;
  /** Entries that may not be in their collection yet. */
  readonly journal?: readonly Entry[];
}

export type StoredEntry = Entry & { readonly _id: string };

/**
 * The wallet's port to its own journal. Reads the document before the collection: an entry leaves the document only after
 * it reached the collection, so that it is seen in one of them.
 */
export function findEntryIn(db: Connection): FindEntry {
  return async (id, customerId) => {
    const stored = await db
      .collection<StoredWallet>(walletsCollection)
      .findOne({ _id: customerId }, { projection: { journal: 1 } });
    const riding = stored?.journal?.find((entry) => entry.id === id);
    return riding ?? (await db.collection<StoredEntry>(entriesCollection).findOne({ _id: id })) ?? undefined;
  };
}
