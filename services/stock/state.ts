import type { KnownClaims } from './claims.ts';
import type { Quantities } from './movements.ts';
import type { JournalRecord } from '#shared/entity/entity.ts';

/** What there is of one SKU. `0 <= reserved <= onHand` always holds. */
export interface StockState extends Quantities, KnownClaims {
  /** `closed`: nothing of it is sold, until it is opened again. */
  readonly status: 'open' | 'closed';
  /** What is on hand and not reserved. */
  readonly available: number;
  /** Counts its changes. */
  readonly version: number;
  /** How many movements were ever written. */
  readonly movements: number;
  /** Open reservations that are not among `claims`; absent: there are none. */
  readonly openElsewhere?: { readonly count: number; readonly quantity: number };
  /** The latest adjustments; older ones are found in the journal. */
  readonly adjustments: readonly { readonly id: string; readonly delta: number }[];
}

/** An item being changed, with what goes to the journal. */
export interface Draft {
  readonly item: StockState;
  readonly journal: readonly JournalRecord[];
}
