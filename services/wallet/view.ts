import type { Connection } from 'mongoose';
import { z } from 'zod';
import { entryIdIn, isEntry, type Entry } from './ledger.ts';
import { entriesCollection, walletsCollection, type StoredEntry, type StoredWallet } from './model.ts';
import { balance, currency } from '#services/money.ts';
import { storedAnswerTo } from '#shared/entity/stores/mongo-store.ts';
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
  /** The answer to a top-up, of any sender; `undefined`: not handled yet. */
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
    outcome: (customerId, messageId) => storedAnswerTo(db, walletsCollection, customerId, messageId),
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
