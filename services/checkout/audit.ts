import { type CausalFinding, causalFaults } from './causal-order.ts';
import { checkoutsCollection, type StoredCheckout } from './model.ts';
import type { StoredState } from './state.ts';
import { checkoutIsOver, checkouts } from '#services/causal-audit.ts';
import { type AuditFinding, defineAudit } from '#shared/audit-rule.ts';
import { telling } from '#shared/audited-thing.ts';
import { documentsById } from '#shared/database/pages.ts';

interface CheckoutRow {
  readonly orderId: string;
  readonly state: StoredState;
}

/** I-11: what happened happened in an order that the flow allows, and it ended as it happened. */
export const checkoutAudit = defineAudit<CheckoutRow>({
  of: checkouts,
  rows: (db) =>
    documentsById<StoredCheckout, CheckoutRow>(db, {
      collection: checkoutsCollection,
      archived: true,
      fields: {
        'state.events': 1,
        'state.clock': 1,
        'state.decision': 1,
        'state.clearing': 1,
        'state.abandonedAt': 1,
        'state.saga.phase': 1,
        'state.saga.definition': 1,
      },
      row: ({ _id: orderId, state }) => state && { orderId, state },
    }),
  about: ({ orderId }) => orderId,
  document: ({ orderId }) => `${checkoutsCollection}/${orderId}`,
  reads: 'first',
  checks: ['causal-order'],
  tells: ([row]) => ({ facts: [telling(checkoutIsOver, row !== undefined && isOver(row.state))] }),
  check: ([row]): readonly AuditFinding[] =>
    row === undefined || !('saga' in row.state)
      ? []
      : causalFaults(row.state).map((detail: CausalFinding) => ({ check: 'causal-order', detail })),
});

/** One that never began asked nobody for anything: whatever a stray request for it has left somewhere is not its own. */
function isOver(state: StoredState): boolean {
  if (!('saga' in state)) return false;
  return state.saga.phase === 'ended' && state.clearing !== undefined && Object.keys(state.clearing).length === 0;
}
