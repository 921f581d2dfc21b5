import { deliveriesCollection } from './model.ts';
import { auditedDeliveries } from './view.ts';
import { orders } from '#services/order/contract.ts';
import { type AuditFinding, defineAudit } from '#shared/audit-rule.ts';

const STEP = 'arrange-delivery';

/** A delivery is on its way exactly when its order was completed after it was asked for. */
export const deliveryAudit = defineAudit({
  of: orders,
  rows: auditedDeliveries,
  about: ({ orderId }) => orderId,
  document: ({ orderId }) => `${deliveriesCollection}/${orderId}`,
  checks: ['orphan', 'completed', 'undone'],
  check([delivery], { exists, outcome, steps }): readonly AuditFinding[] {
    const status = delivery?.status;
    if (!exists)
      return status === 'dispatched'
        ? [{ check: 'orphan', detail: 'there is no such order, and its delivery is on its way' }]
        : [];
    if (outcome === undefined) return [];
    if (outcome !== 'completed')
      return status === 'dispatched' ? [{ check: 'undone', detail: 'its delivery is on its way' }] : [];
    return steps.includes(STEP) && status !== 'dispatched'
      ? [{ check: 'completed', detail: `its delivery is ${status ?? 'absent'}` }]
      : [];
  },
});
