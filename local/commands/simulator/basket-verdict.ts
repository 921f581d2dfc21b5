import type { BasketKind } from './basket-plan.ts';
import type { End } from './result.ts';
import type { SimulationVerdict } from './verdict.ts';

/**
 * What became of it; `done`: it was shown, kept, ordered or swapped; `unknown_product`: a problem named what nobody sells; `given_up`: a
 * clean refusal in time, or the answer that it is not known yet (202, 429, 503, 504); `left_out`: not sent, because an earlier change of
 * the same basket may still happen; `unanswered`: no answer; `invalid`: any other one.
 */
export const BASKET_ENDS = ['done', 'unknown_product', 'given_up', 'left_out', 'unanswered', 'invalid'] as const;
export type BasketEnd = (typeof BASKET_ENDS)[number];

/** One that was sent. Times are epoch ms. */
export interface BasketRow {
  readonly n: number;
  readonly kind: BasketKind;
  readonly dueAt: number;
  readonly end: BasketEnd;
  readonly answeredAt?: number;
  readonly httpStatus?: number;
  /** What does not fit, in words: a line that its version does not explain, what somebody else has put in. */
  readonly odd?: string;
  readonly orderId?: string;
  /** Of an order; absent: none, or it has not ended. */
  readonly order?: End;
  readonly orderReason?: string;
}

const TIMED_OUT = 'timed_out';

/** As of orders: `late`: given up or undone in time, which is promised, but no sign of health. */
export function basketVerdict({ kind, end, odd, orderId, order, orderReason }: BasketRow): SimulationVerdict {
  if (odd !== undefined) return 'wrong';
  switch (end) {
    case 'unanswered':
    case 'left_out':
      return 'right';
    case 'given_up':
      return 'late';
    case 'invalid':
      return 'wrong';
    case 'unknown_product':
      return kind === 'unknown_sku' ? 'right' : 'wrong';
    case 'done':
      if (kind === 'unknown_sku') return 'wrong';
      if (kind !== 'ordered') return 'right';
      if (orderId === undefined) return 'wrong';
      if (order === undefined) return 'hanging';
      if (order === 'completed') return 'right';
      return order === 'failed' && orderReason === TIMED_OUT ? 'late' : 'wrong';
  }
}

/** Nothing hangs and nothing ended as it must not. */
export function basketsAreSound(rows: readonly BasketRow[]): boolean {
  return rows.every((row) => !['wrong', 'hanging'].includes(basketVerdict(row)));
}
