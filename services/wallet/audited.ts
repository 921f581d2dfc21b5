import type { Connection } from 'mongoose';
import { holdIdOf } from './contract.ts';
import { entryIdIn, isEntry, type Entry } from './ledger.ts';
import { entriesCollection, walletsCollection, type StoredEntry, type StoredWallet } from './model.ts';
import type { WalletState } from './wallet.ts';
import type { AuditSource } from '#shared/audit-rule.ts';
import { mapped, numberedBy } from '#shared/database/numbered.ts';
import { documentsById, type Source } from '#shared/database/pages.ts';
import { sideBySide } from '#shared/database/side-by-side.ts';

/** What an audit reads of a wallet. Amounts in minor units. */
export interface AuditedWallet extends Pick<WalletState, 'currency' | 'available' | 'held' | 'captured' | 'entries'> {
  readonly customerId: string;
  /** The sum of its open holds, in the document and elsewhere. */
  readonly open: number;
  /** Entries that may not be in their collection yet; those of the collection count up to `entries`. */
  readonly riding: readonly Entry[];
}

/** Every wallet, by customer. */
function auditedWallets(db: Connection): Source<AuditedWallet> {
  return documentsById<StoredWallet, AuditedWallet>(db, {
    collection: walletsCollection,
    fields: { state: 1, journal: 1 },
    row({ _id: customerId, state, journal = [] }) {
      if (state === undefined) return undefined;
      const riding = journal.filter(isEntry);
      const { currency, available, held, captured, entries } = state;
      const open = state.holds.reduce(
        (sum, hold) => sum + (hold.status === 'open' ? hold.amount : 0),
        state.openElsewhere?.amount ?? 0,
      );
      return { customerId, ...(currency && { currency }), available, held, captured, entries, open, riding };
    },
  });
}

/** Every entry that is in its collection, by customer, each one's newest first; `only`: those of one customer. */
const entriesByCustomer = (db: Connection, size: number, only?: string) =>
  numberedBy<StoredEntry, 'customerId'>(db, { collection: entriesCollection, owner: 'customerId' }, size, only);

/** A wallet, or one of its entries: the wallet comes first, then its entries that are in their collection, the newest first. */
export type LedgerRow = { readonly customerId: string } & (
  | { readonly wallet: AuditedWallet; readonly entry?: never }
  | { readonly entry: Entry; readonly wallet?: never }
);

/** So many entries of one wallet are read at once. */
const ENTRIES = 500;

/** Every wallet with its ledger. A wallet is read before its entries: one leaves it only after it has reached the collection. */
export function auditedLedgers(db: Connection): AuditSource<LedgerRow> {
  const wallets = auditedWallets(db);
  const walletRow = (wallet: AuditedWallet): LedgerRow => ({ customerId: wallet.customerId, wallet });
  const entryRow = (entry: Entry): LedgerRow => ({ customerId: entry.customerId, entry });
  return {
    pages: (size) =>
      sideBySide(
        [mapped(wallets.pages(size), walletRow), mapped(entriesByCustomer(db, size), entryRow)],
        ({ customerId }) => customerId,
        size,
      ),
    async *of(customerIds) {
      for (const customerId of customerIds) {
        yield (await wallets.of([customerId])).map(walletRow);
        yield* mapped(entriesByCustomer(db, ENTRIES, customerId), entryRow);
      }
    },
  };
}

const PREFIX = holdIdOf('');
const BEYOND = `${PREFIX}\u{10ffff}`;

/** An entry with the order that its id names, which is what makes it unique. */
export interface AuditedEntry extends Pick<Entry, 'id' | 'kind' | 'amount' | 'currency' | 'customerId' | 'at'> {
  readonly orderId: string;
}

/** The entries of orders. */
export interface AuditedEntries extends Pick<Source<AuditedEntry>, 'pages'> {
  /** Also those of these customers that are not in the collection yet, so that none that was committed is missing. */
  of(orderIds: readonly string[], customerIds: readonly string[]): Promise<readonly AuditedEntry[]>;
}

/** Entries of orders, by order: their ids begin with the order's hold. */
export function auditedEntries(db: Connection): AuditedEntries {
  const find = (filter: object) => db.collection<StoredEntry>(entriesCollection).find(filter);
  return {
    async *pages(size) {
      for (let ids: object = { $gte: PREFIX, $lt: BEYOND }; ;) {
        const found = await find({ _id: ids }).sort({ _id: 1 }).limit(size).toArray();
        yield found.flatMap(auditedEntry);
        if (found.length < size) return;
        ids = { $gt: found.at(-1)!._id, $lt: BEYOND };
      }
    },
    async of(orderIds, customerIds) {
      const wanted = new Set(orderIds);
      const owners = await db
        .collection<StoredWallet>(walletsCollection)
        .find({ _id: { $in: [...customerIds] } }, { projection: { journal: 1 } })
        .toArray();
      const written = await Promise.all(orderIds.map((orderId) => find({ _id: idsOf(orderId) }).toArray()));
      const all = [...owners.flatMap(({ journal = [] }) => journal.filter(isEntry)), ...written.flat()];
      return [...new Map(all.map((entry) => [entry.id, entry])).values()]
        .flatMap(auditedEntry)
        .filter(({ orderId }) => wanted.has(orderId));
    },
  };
}

/** The ids of an order's entries, whosever they are; also those of orders whose ids go on with a colon. */
function idsOf(orderId: string): { readonly $gt: string; readonly $lt: string } {
  return { $gt: `${holdIdOf(orderId)}:`, $lt: `${holdIdOf(orderId)};` };
}

function auditedEntry(entry: Entry): readonly AuditedEntry[] {
  const { kind, amount, currency, customerId, at } = entry;
  const id = entryIdIn(entry);
  const end = id.lastIndexOf(':');
  const named = id.slice(PREFIX.length, end);
  // The hold of a later try has its number behind the order's id.
  const orderId = entry.orderId !== undefined && named.startsWith(`${entry.orderId}:`) ? entry.orderId : named;
  const isOfOrder = kind !== 'top-up' && id.startsWith(PREFIX) && end > PREFIX.length;
  return isOfOrder ? [{ id, orderId, kind, amount, currency, customerId, at }] : [];
}
