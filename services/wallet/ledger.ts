import type { Currency } from '#services/money.ts';
import type { JournalRecord } from '#shared/entity/entity.ts';
import { joined } from '#shared/entity/entity.ts';

export type EntryKind = 'top-up' | 'hold' | 'release' | 'capture' | 'refund';

/** One immutable movement. Its id follows from its cause, so that the same movement is never written twice. */
export interface Entry extends JournalRecord {
  /** Names the record among those of all wallets: publishers choose ids, and two customers may get the same. */
  readonly id: string;
  /** Names it within its wallet; what clients know. Absent in entries from before wallets were told apart: there it is `id`. */
  readonly entryId?: string;
  readonly customerId: string;
  readonly kind: EntryKind;
  /** Minor units, never negative: `kind` says which way it went. 0 only where an order is over nothing. */
  readonly amount: number;
  readonly currency: Currency;
  readonly orderId?: string;
  readonly holdId?: string;
  /** Epoch ms. */
  readonly at: number;
  /** Numbers a wallet's entries from 1, without gaps. */
  readonly seq: number;
}

/** Integer minor units. `available + held + captured` is always the sum of all top-ups. */
export interface Balances {
  readonly available: number;
  readonly held: number;
  /** Captured and not refunded, over the wallet's whole life. */
  readonly captured: number;
}

const effects: Readonly<Record<EntryKind, Balances>> = {
  'top-up': { available: 1, held: 0, captured: 0 },
  hold: { available: -1, held: 1, captured: 0 },
  release: { available: 1, held: -1, captured: 0 },
  capture: { available: 0, held: -1, captured: 1 },
  refund: { available: 1, held: 0, captured: -1 },
};

/** What a movement makes of the balances. */
export function moved(
  { available, held, captured }: Balances,
  { kind, amount }: Pick<Entry, 'kind' | 'amount'>,
): Balances {
  const effect = effects[kind];
  return {
    available: available + effect.available * amount,
    held: held + effect.held * amount,
    captured: captured + effect.captured * amount,
  };
}

/** The id of a hold's entry of that kind; every hold has at most one of each. */
export function entryIdOf(holdId: string, kind: Exclude<EntryKind, 'top-up'>): string {
  return `${holdId}:${kind}`;
}

/** The id of a hold's entry begins with the hold, for readers that look up the entries of an order; a top-up's id may be anything. */
export function recordIdOf(kind: EntryKind, entryId: string, customerId: string): string {
  return kind === 'top-up' ? joined(kind, entryId, customerId) : joined(entryId, customerId);
}

/** Under which ids the entry may be stored: entries from before wallets were told apart have no customer in theirs. */
export function recordIdsOf(kind: EntryKind, entryId: string, customerId: string): readonly string[] {
  return [recordIdOf(kind, entryId, customerId), entryId];
}

/** Whether a record of a wallet's journal is a movement; marks of undos are none. */
export function isEntry(record: JournalRecord): record is Entry {
  return 'seq' in record;
}

/** What names the entry within its wallet. */
export function entryIdIn({ id, entryId }: Pick<Entry, 'id' | 'entryId'>): string {
  return entryId ?? id;
}

/** The entry among records that may be others'. */
export function entryAmong(
  records: readonly JournalRecord[],
  kind: EntryKind,
  entryId: string,
  customerId: string,
): Entry | undefined {
  return (records as readonly Entry[]).find(
    (one) => one.kind === kind && one.customerId === customerId && entryIdIn(one) === entryId,
  );
}

/** Reads those of these records that are in the journal's collection. What rides in the document is not asked for here. */
export type FindRecords = (ids: readonly string[]) => Promise<readonly JournalRecord[]>;
