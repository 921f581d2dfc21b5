import { loyaltyCollection } from './model.ts';
import { auditedChecks } from './view.ts';
import { orders } from '#services/order/contract.ts';
import { defineAudit } from '#shared/audit-rule.ts';

export const loyaltyAudit = defineAudit({
  of: orders,
  rows: auditedChecks,
  about: ({ orderId }) => orderId,
  document: ({ orderId }) => `${loyaltyCollection}/${orderId}`,
  checks: ['loyalty'],
  check([check], { outcome, steps }) {
    if (outcome !== 'completed' || !steps.includes('check-loyalty') || check?.status === 'cleared') return [];
    return [{ check: 'loyalty', detail: `it was completed, its check is ${check?.status ?? 'absent'}` }];
  },
});
