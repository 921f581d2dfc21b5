import type { CheckoutData, CheckoutLearned } from './data.ts';
import type { Clearing } from './clearing.ts';
import type { Happening, Rejection } from '#services/checkout-flow.ts';
import type { Suggestion } from '#services/suggestions/contract.ts';
import type { SagaState } from '#shared/saga/state.ts';
import type { VectorClock } from '#shared/vector-clock.ts';

export type CheckoutSaga = SagaState<CheckoutData, CheckoutLearned>;

/** How it ended for the customer; decided once. */
export type Decision =
  | { readonly status: 'approved'; readonly suggestions: readonly Suggestion[] }
  | { readonly status: 'rejected'; readonly reason: Rejection }
  /** Nobody decided in time: `step` was not answered, or it was given up. */
  | { readonly status: 'failed'; readonly code: 'timed_out' | 'abandoned' | 'refused'; readonly step: string };

/** A checkout: its saga while it runs, what happened, and how it ended. Of the card nothing is left when it has ended. */
export interface CheckoutState {
  readonly customerId: string;
  /** Epoch ms. */
  readonly createdAt: number;
  readonly saga: CheckoutSaga;
  /** Everything that is known of the order's events. */
  readonly clock: VectorClock;
  /** In the order in which it was heard of. */
  readonly events: readonly Happening[];
  readonly decision?: Decision & { readonly at: number };
  /** Who has not cleared the order's data yet. Absent: it is not decided. */
  readonly clearing?: Clearing;
}

/** It was given up before it began. */
export interface NeverBegun {
  readonly abandonedAt: number;
}

export type StoredState = CheckoutState | NeverBegun;
