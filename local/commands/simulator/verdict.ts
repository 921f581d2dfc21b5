import type { Kind } from './plan.ts';
import type { End, OrderRow } from './result.ts';

/**
 * `right`: it ended as its kind has to, or was refused before anything was taken. `late`: a step took longer than its deadline and
 * the order was undone, which is promised, but no sign of health. `wrong`: it must never end so.
 */
export type SimulationVerdict = 'right' | 'late' | 'wrong' | 'hanging';

interface Allowed {
  readonly ends: readonly End[];
  /** Why it fails. */
  readonly reason?: string;
}

const TIMED_OUT = 'timed_out';
const ALLOWED: Readonly<Record<Kind, Allowed>> = {
  ok: { ends: ['completed'] },
  slow: { ends: ['completed'] },
  duplicate: { ends: ['completed'] },
  // The customer may be too late.
  cancelled: { ends: ['completed', 'cancelled'] },
  declined: { ends: ['failed'], reason: 'card_declined' },
  short_funds: { ends: ['failed'], reason: 'insufficient_funds' },
  foreign_currency: { ends: ['failed'], reason: 'currency_mismatch' },
  timeout: { ends: ['failed'], reason: TIMED_OUT },
  short_stock: { ends: ['failed'], reason: 'insufficient_stock' },
  retried: { ends: ['completed'] },
  hot_sku: { ends: ['completed'] },
};

export function verdictOf({ kind, outcome, reason, twins }: OrderRow): SimulationVerdict {
  if (twins !== undefined) return 'wrong';
  const allowed = ALLOWED[kind];
  switch (outcome) {
    case 'open':
      return 'hanging';
    case 'rejected':
      return 'wrong';
    case 'refused':
    case 'unanswered':
      return 'right';
    case 'failed':
      if (allowed.ends.includes('failed') && reason === allowed.reason) return 'right';
      return reason === TIMED_OUT ? 'late' : 'wrong';
    case 'completed':
    case 'cancelled':
      return allowed.ends.includes(outcome) ? 'right' : 'wrong';
  }
}

/** Nothing hangs and nothing ended as it must not. */
export function isSound(rows: readonly OrderRow[]): boolean {
  return rows.every((row) => !['wrong', 'hanging'].includes(verdictOf(row)));
}
