import type { Connection } from 'mongoose';
import type { Entry, EntryKind } from './ledger.ts';
import { entriesCollection, walletsCollection, type StoredEntry, type StoredWallet } from './model.ts';
import type { Money } from '#services/money.ts';
import { answerTo } from '#shared/entity/mongo-store.ts';

/** A balance; unlike a price it may be zero. */
type Balance = Money;

export interface WalletView {
  readonly customerId: string;
  readonly available: Balance;
  readonly held: Balance;
}

export interface EntryView {
  readonly id: string;
  readonly kind: EntryKind;
  readonly amount: number;
  readonly currency: string;
  readonly orderId?: string;
  readonly at: string;
}

export interface EntryPage {
  readonly items: readonly EntryView[];
  readonly nextCursor?: string;
}

/** Read-only queries on the wallet service's collections. */
export function walletView(db: Connection) {
  const read = (customerId: string, fields: object) =>
    db.collection<StoredWallet>(walletsCollection).findOne({ _id: customerId }, { projection: fields });
  return {
    /** `undefined` until the first top-up. */
    async wallet(customerId: string): Promise<WalletView | undefined> {
      const state = (await read(customerId, { state: 1 }))?.state;
      if (state?.currency === undefined) return undefined;
      const { currency, available, held } = state;
      return { customerId, available: { amount: available, currency }, held: { amount: held, currency } };
    },
    /** Newest first. `cursor` is the `nextCursor` of the page before; anything else is ignored. */
    async entries(
      customerId: string,
      { limit, cursor }: { limit: number; cursor?: string | undefined },
    ): Promise<EntryPage> {
      const below = cursor !== undefined && /^\d{1,15}$/.test(cursor) ? Number(cursor) : Number.MAX_SAFE_INTEGER;
      const riding = (await read(customerId, { journal: 1 }))?.journal ?? [];
      const written = await db
        .collection<StoredEntry>(entriesCollection)
        .find({ customerId, seq: { $lt: below } })
        .sort({ seq: -1 })
        .limit(limit + 1)
        .toArray();
      return pageOf([...written, ...riding.filter((entry) => entry.seq < below)], limit);
    },
    /** The answer to a top-up, whoever asked for it; `undefined`: not handled yet. */
    outcome(customerId: string, messageId: string): Promise<{ type: string; body: unknown } | undefined> {
      return answerTo(db, walletsCollection, customerId, messageId);
    },
  };
}

/** One page of entries that may contain doubles, in any order. */
export function pageOf(entries: readonly Entry[], limit: number): EntryPage {
  const distinct = [...new Map(entries.map((entry) => [entry.seq, entry])).values()].sort((a, b) => b.seq - a.seq);
  const page = distinct.slice(0, limit);
  const items = page.map(({ id, kind, amount, currency, orderId, at }) => ({
    id,
    kind,
    amount,
    currency,
    ...(orderId !== undefined && { orderId }),
    at: new Date(at).toISOString(),
  }));
  const last = page.at(-1);
  return distinct.length > limit && last ? { items, nextCursor: String(last.seq) } : { items };
}
