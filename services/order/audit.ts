import { orders, placedOrder } from './contract.ts';
import { ordersCollection } from './model.ts';
import { type AuditedOrder, auditedOrders } from './view.ts';
import { defineAudit, found } from '#shared/audit-rule.ts';
import { type AuditAt, type AuditedThing, telling } from '#shared/audited-thing.ts';

const ENDED: readonly string[] = ['completed', 'failed', 'cancelled'];

/** An order ends, and as its saga did. */
export const orderAudit = defineAudit({
  of: orders,
  reads: 'last',
  rows: auditedOrders,
  about: ({ orderId }) => orderId,
  document: ({ orderId }) => `${ordersCollection}/${orderId}`,
  checks: ['hanging', 'agreement', 'completed'],
  tells([order]) {
    if (order?.placed === undefined) return {};
    const { customerId, total, items, payment, updatedAt } = order.placed;
    return { exists: true, updatedAt, facts: [telling(placedOrder, { customerId, total, items, payment })] };
  },
  check: ([order], thing, at) => [
    ...found('hanging', hanging(order, thing, at)),
    ...(order?.placed === undefined || thing.outcome === undefined ? [] : atTheEnd(order, thing.outcome)),
  ],
});

function hanging(
  order: AuditedOrder | undefined,
  { acceptedAt, saga, outcome }: AuditedThing,
  { now, hangingAfterMs }: AuditAt,
): readonly string[] {
  const since = order?.placed?.createdAt ?? acceptedAt;
  if (since === undefined || now - since <= hangingAfterMs) return [];
  const orderEnded = order !== undefined && ENDED.includes(order.status);
  // An order that was undone before it was placed ends without a saga.
  if (orderEnded && (outcome !== undefined || (saga === undefined && order.status !== 'completed'))) return [];
  const is = order?.placed === undefined ? 'was accepted and does not exist' : `is ${order.status}`;
  const where = saga?.current === undefined ? '' : ` at ${saga.current}`;
  const its = saga === undefined ? 'its saga has not begun' : `its saga is ${saga.phase}${where}`;
  return [`${is}, ${its}, ${now - since} ms after it was accepted`];
}

function atTheEnd({ status, placed }: AuditedOrder, outcome: string) {
  return [
    ...found('agreement', status === outcome ? [] : [`the saga ended ${outcome}, the order is ${status}`]),
    ...found('completed', outcome === 'completed' ? completed(placed) : []),
  ];
}

function completed(placed: AuditedOrder['placed']): readonly string[] {
  const paid = placed?.payment?.status;
  return [
    ...(paid === 'settled' ? [] : [`by the order, its payment is ${paid ?? 'absent'}, not settled`]),
    ...(placed?.dispatchedAt === undefined ? ['the dispatch of its mail is not recorded'] : []),
  ];
}
