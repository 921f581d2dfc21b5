import { auditedLogs } from './logs-view.ts';
import { orderLogsCollection, sagasCollection } from './model.ts';
import { statusAfter } from './order-logs.ts';
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

/** The log of an order has no gap, and its replay ends as the order did. */
export const logsAudit = defineAudit({
  of: orders,
  rows: auditedLogs,
  about: ({ orderId }) => orderId,
  document: ({ orderId }) => `${orderLogsCollection}/${orderId}`,
  checks: ['log'],
  listed: 'log',
  check([log], { outcome }) {
    const rows = log?.rows ?? [];
    const gap = rows.findIndex(({ seq }, index) => seq !== index + 1);
    if (gap >= 0) return [{ check: 'log', detail: `its log has no row ${gap + 1}, and a row ${rows[gap]!.seq}` }];
    const status = statusAfter(rows);
    if (outcome === undefined || status === outcome) return [];
    return [{ check: 'log', detail: `it ended ${outcome}, by its log it is ${status ?? 'not begun'}` }];
  },
});
