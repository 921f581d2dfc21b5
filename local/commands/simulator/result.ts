import type { PlannedOrder } from './plan.ts';

/** Statuses in which an order has ended. */
export const ENDS = ['completed', 'failed', 'cancelled'] as const;
export type End = (typeof ENDS)[number];

/**
 * What became of an order: how it ended; `open`: accepted and not ended when the waiting was over; `refused`: 429 or 503, nothing
 * was taken; `rejected`: any other answer than 202; `unanswered`: no answer, or one that leaves it open (409, 504).
 */
export const OUTCOMES = [...ENDS, 'open', 'refused', 'rejected', 'unanswered'] as const;
export type OrderOutcome = (typeof OUTCOMES)[number];

/** One order that was sent. Times are epoch ms. */
export interface OrderRow extends Pick<PlannedOrder, 'n' | 'kind' | 'customerId' | 'amountMinor'> {
  /** When it should have been sent; latencies count from here, so that a stack that stands still can not hide it. */
  readonly dueAt: number;
  readonly outcome: OrderOutcome;
  readonly orderId?: string;
  readonly answeredAt?: number;
  readonly httpStatus?: number;
  /** By the order service's clock. */
  readonly endedAt?: number;
  /** Why it failed, or what the answer complained of. */
  readonly reason?: string;
  /** The order ids of a request that made more than one. */
  readonly twins?: readonly string[];
  /** The statuses in which it was seen, each change once. */
  readonly seen: readonly string[];
  readonly cancelStatus?: number;
}

export interface OrderResult {
  readonly seed: number;
  readonly rows: readonly OrderRow[];
  readonly planned: number;
  /** From the first order until the last was answered, and from then until the last ended. */
  readonly placingMs: number;
  readonly waitingMs: number;
  /** Orders sent later than planned because too many requests had no answer yet. */
  readonly late: { readonly count: number; readonly maxMs: number };
  /** What the watching cost the gateway. */
  readonly reads: { readonly pages: number; readonly orders: number };
}

export interface SimulationProgress {
  readonly phase: 'funding' | 'placing' | 'waiting' | 'over';
  readonly elapsedMs: number;
  readonly planned: number;
  readonly sent: number;
  readonly accepted: number;
  /** Answered otherwise, or not at all. */
  readonly notAccepted: number;
  readonly ended: number;
  /** Requests without an answer. */
  readonly outstanding: number;
  /** How far behind its plan the sending is now. */
  readonly lateMs: number;
}
