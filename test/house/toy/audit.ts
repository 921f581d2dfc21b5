import { fraudCollection } from './model.ts';
import { auditedChecks } from './view.ts';
import { orders } from '#services/order/contract.ts';
import { defineAudit } from '#shared/audit-rule.ts';

export const fraudAudit = defineAudit({
  of: orders,
  rows: auditedChecks,
  about: ({ orderId }) => orderId,
  document: ({ orderId }) => `${fraudCollection}/${orderId}`,
  checks: ['fraud'],
  check([check], { outcome, steps }) {
    if (outcome !== 'completed' || !steps.includes('check-fraud') || check?.status === 'cleared') return [];
    return [{ check: 'fraud', detail: `it was completed, its check is ${check?.status ?? 'absent'}` }];
  },
});
