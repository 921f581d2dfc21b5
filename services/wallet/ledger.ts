import type { Currency } from '#services/money.ts';
import type { JournalRecord } from '#shared/entity/entity.ts';

export type EntryKind = 'top-up' | 'hold' | 'release' | 'capture' | 'refund';

/** One immutable movement. Its id follows from its cause, so that the same movement is never written twice. */
export interface Entry extends JournalRecord {
  readonly id: string;
  readonly customerId: string;
  readonly kind: EntryKind;
  /** Minor units, always positive: `kind` says which way it went. */
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

/**
 * Looks an entry up by its id among all that were committed: in the journal collection, and in the wallet's document for
 * those that are not there yet.
 */
export type FindEntry = (id: string, customerId: string) => Promise<Entry | undefined>;
