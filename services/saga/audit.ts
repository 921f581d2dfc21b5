import { sagasCollection } from './model.ts';
import { auditedSagas } from './view.ts';
import { orders } from '#services/order/contract.ts';
import { defineAudit } from '#shared/audit-rule.ts';

/** There is a saga only of an order; how far it is decides what the rules of others ask. */
export const sagaAudit = defineAudit({
  of: orders,
  reads: 'first',
  rows: auditedSagas,
  about: ({ orderId }) => orderId,
  document: ({ orderId }) => `${sagasCollection}/${orderId}`,
  checks: ['orphan'],
  tells([saga]) {
    if (saga === undefined) return {};
    const { phase, current, steps, outcome, endedAt } = saga;
    return { saga: { phase, current, steps }, outcome, endedAt };
  },
  check: ([saga], { exists }) =>
    saga === undefined || exists
      ? []
      : [{ check: 'orphan', detail: `there is no such order, and its saga is ${saga.phase}` }],
});
