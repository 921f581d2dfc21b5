import type { Connection } from 'mongoose';
import { z } from 'zod';
import { entryIdIn, isEntry, type Entry } from './ledger.ts';
import { entriesCollection, walletsCollection, type StoredEntry, type StoredWallet } from './model.ts';
import type { WalletState } from './wallet.ts';
import { holdIdOf } from './contract.ts';
import { balance, currency } from '#services/money.ts';
import { answerTo } from '#shared/entity/stores/mongo-store.ts';
import { documentsById, type Source } from '#shared/database/pages.ts';
import type { Page, PageQuery } from '#shared/web/cursors.ts';
import { named, shape, time } from '#shared/web/shapes.ts';

export const walletShape = named(
  'Wallet',
  shape({
    customerId: z.string().describe('Whose wallet.'),
    available: balance.describe('What can be spent.'),
    held: balance.describe('What is reserved for orders.'),
  }).meta({
    examples: [
      { customerId: 'alice', available: { amount: 2402, currency: 'EUR' }, held: { amount: 0, currency: 'EUR' } },
    ],
  }),
);
export type WalletView = z.infer<typeof walletShape>;

export const entryShape = named(
  'Entry',
  shape({
    id: z.string().describe('Unique within the wallet.'),
    kind: z.enum(['top-up', 'hold', 'release', 'capture', 'refund']).describe('Which way it went.'),
    amount: z.int().describe('Whole minor units, never negative.'),
    currency: currency.describe('ISO 4217.'),
    orderId: z.string().optional().describe('The order that caused it.'),
    at: time.describe('When.'),
  }).meta({
    examples: [
      {
        id: 'hold-0193f7a0-5a5a-7000-8000-00004f2a91bc:capture',
        kind: 'capture',
        amount: 2598,
        currency: 'EUR',
        orderId: '0193f7a0-5a5a-7000-8000-00004f2a91bc',
        at: '2026-11-28T13:05:00.512Z',
      },
    ],
  }),
);
export type EntryView = z.infer<typeof entryShape>;

export interface WalletQueries {
  /** `undefined` until the first top-up. */
  wallet(customerId: string): Promise<WalletView | undefined>;
  /** Newest first. `cursor` is the `nextCursor` of the page before; anything else is ignored. */
  entries(customerId: string, query: PageQuery): Promise<Page<EntryView>>;
  /** The answer to a top-up, whoever asked for it; `undefined`: not handled yet. */
  outcome(
    customerId: string,
    messageId: string,
  ): Promise<{ readonly type: string; readonly body: unknown } | undefined>;
}

/** Read-only queries on the wallet service's collections. */
export function walletView(db: Connection): WalletQueries {
  const read = (customerId: string, fields: object) =>
    db.collection<StoredWallet>(walletsCollection).findOne({ _id: customerId }, { projection: fields });
  return {
    async wallet(customerId) {
      const state = (await read(customerId, { state: 1 }))?.state;
      if (state?.currency === undefined) return undefined;
      const { currency, available, held } = state;
      return { customerId, available: { amount: available, currency }, held: { amount: held, currency } };
    },
    async entries(customerId, { limit, cursor }) {
      const below = cursor !== undefined && /^\d{1,15}$/.test(cursor) ? Number(cursor) : Number.MAX_SAFE_INTEGER;
      const riding = (await read(customerId, { journal: 1 }))?.journal?.filter(isEntry) ?? [];
      const written = await db
        .collection<StoredEntry>(entriesCollection)
        .find({ customerId, seq: { $lt: below } })
        .sort({ seq: -1 })
        .limit(limit + 1)
        .toArray();
      return pageOf([...written, ...riding.filter((entry) => entry.seq < below)], limit);
    },
    outcome: (customerId, messageId) => answerTo(db, walletsCollection, customerId, messageId),
  };
}

/** One page of entries that may contain doubles, in any order. */
export function pageOf(entries: readonly Entry[], limit: number): Page<EntryView> {
  const distinct = [...new Map(entries.map((entry) => [entry.seq, entry])).values()].sort((a, b) => b.seq - a.seq);
  const page = distinct.slice(0, limit);
  const items = page.map((entry) => ({
    id: entryIdIn(entry),
    kind: entry.kind,
    amount: entry.amount,
    currency: entry.currency,
    ...(entry.orderId !== undefined && { orderId: entry.orderId }),
    at: new Date(entry.at).toISOString(),
  }));
  const last = page.at(-1);
  return distinct.length > limit && last ? { items, nextCursor: String(last.seq) } : { items };
}

/** What an audit reads of a wallet. Amounts in minor units. */
export interface AuditedWallet extends Pick<WalletState, 'currency' | 'available' | 'held' | 'captured' | 'entries'> {
  readonly customerId: string;
  /** The sum of its open holds, in the document and elsewhere. */
  readonly open: number;
  /** Entries that may not be in their collection yet; those of the collection count up to `entries`. */
  readonly riding: readonly Entry[];
}

/** Every wallet, by customer. */
export function auditedWallets(db: Connection): Source<AuditedWallet> {
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
export async function* entriesByCustomer(
  db: Connection,
  size: number,
  only?: string,
): AsyncGenerator<readonly Entry[]> {
  const find = (filter: object) =>
    db.collection<StoredEntry>(entriesCollection).find(filter).sort({ customerId: 1, seq: -1 }).limit(size).toArray();
  // Marks of undos have no customer.
  const all = { customerId: only ?? { $gt: '' } };
  for (let found = await find(all); found.length > 0;) {
    yield found;
    const { customerId, seq } = found.at(-1)!;
    const told = found.filter((entry) => entry.customerId === customerId && entry.seq === seq).map(({ _id }) => _id);
    const rest = await find({ customerId, seq: { $lte: seq }, _id: { $nin: told } });
    found = rest.length > 0 || only !== undefined ? rest : await find({ customerId: { $gt: customerId } });
  }
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
  const orderId = id.slice(PREFIX.length, end);
  const isOfOrder = kind !== 'top-up' && id.startsWith(PREFIX) && end > PREFIX.length;
  return isOfOrder ? [{ id, orderId, kind, amount, currency, customerId, at }] : [];
}
