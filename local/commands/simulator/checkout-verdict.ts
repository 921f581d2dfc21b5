import { type CheckoutKind, expectedOf } from './checkout-plan.ts';
import type { End } from './result.ts';
import type { SimulationVerdict } from './verdict.ts';

/**
 * How it was decided; `given_up`: a service did not answer in time and nothing is left of it (503 that names it, `failed`); `open`: it
 * was not decided when the waiting was over; `refused`: nothing was taken (429, 503); `unanswered`: no answer, or one that leaves it open
 * (409, 504); `invalid`: any other one.
 */
export const DECISIONS = ['approved', 'rejected', 'given_up', 'open', 'refused', 'unanswered', 'invalid'] as const;
export type CheckoutDecision = (typeof DECISIONS)[number];

/** One checkout that was sent. Times are epoch ms. */
export interface CheckoutRow {
  readonly n: number;
  readonly kind: CheckoutKind;
  readonly dueAt: number;
  readonly decision: CheckoutDecision;
  readonly httpStatus?: number;
  readonly checkoutId?: string;
  /** Checkouts before this one, of whoever was told that nothing is left of them and took another key. */
  readonly givenUp?: readonly string[];
  readonly decidedAt?: number;
  /** Of a rejection. */
  readonly event?: string;
  readonly code?: string;
  /** What does not fit, in words; sent twice and two checkouts came of it, an approval without suggestions, an order behind a rejection. */
  readonly odd?: string;
  /** Of the order behind an approval; absent: none, or it has not ended. */
  readonly order?: End;
  readonly orderReason?: string;
}

const TIMED_OUT = 'timed_out';

/** As of orders: `late`: given up or undone in time, which is promised, but no sign of health. */
export function checkoutVerdict(row: CheckoutRow): SimulationVerdict {
  const { kind, decision, event, code, odd, order, orderReason } = row;
  const { rejected, orderFails } = expectedOf(kind);
  if (odd !== undefined) return 'wrong';
  switch (decision) {
    case 'open':
      return 'hanging';
    case 'given_up':
      return 'late';
    case 'refused':
    case 'unanswered':
      return 'right';
    case 'invalid':
      return 'wrong';
    case 'rejected':
      return rejected !== undefined && event === rejected.event && code === rejected.code ? 'right' : 'wrong';
    case 'approved':
      if (rejected !== undefined) return 'wrong';
      if (order === undefined) return 'hanging';
      if (order === 'failed' && orderReason === TIMED_OUT) return 'late';
      if (orderFails !== undefined) return order === 'failed' && orderReason === orderFails ? 'right' : 'wrong';
      return order === 'completed' ? 'right' : 'wrong';
  }
}

/** Nothing hangs and nothing ended as it must not. */
export function areSound(rows: readonly CheckoutRow[]): boolean {
  return rows.every((row) => !['wrong', 'hanging'].includes(checkoutVerdict(row)));
}
