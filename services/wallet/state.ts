import type { Hold } from './holds.ts';
import type { Balances } from './ledger.ts';
import type { Currency } from '#services/money.ts';
import type { JournalRecord } from '#shared/entity/entity.ts';

export interface WalletState extends Balances {
  readonly customerId: string;
  /** Absent until the first top-up: nothing but undo marks and holds over nothing is known yet. */
  readonly currency?: Currency;
  /** How many entries were ever written. */
  readonly entries: number;
  /** Those that were touched last, newest at the end; what became of the others is told by the journal. */
  readonly holds: readonly Hold[];
  /** Open holds that are not among `holds`; absent: there are none. */
  readonly openElsewhere?: { readonly count: number; readonly amount: number };
  /** The latest top-ups; older ones are found in the journal. */
  readonly topUps: readonly { readonly id: string; readonly amount: number }[];
  /** A hold has left the document: an unknown one must be looked up in the journal. */
  readonly forgets: boolean;
}

/** A wallet being changed, with what goes to the journal. */
export interface WalletChange {
  readonly wallet: WalletState;
  readonly journal: readonly JournalRecord[];
}
