import { paymentsCollection } from './model.ts';
import { type AuditedPayment, auditedPayments } from './view.ts';
import { type Money } from '#services/money.ts';
import { orders, placedOrder } from '#services/order/contract.ts';
import { defineAudit, found } from '#shared/audit-rule.ts';
import type { AuditedThing } from '#shared/audited-thing.ts';

const LIVE: readonly string[] = ['created', 'authorized', 'settled'];

type Payments = readonly AuditedPayment[];

/** An order has one payment, over its total, beside those of earlier tries, which were voided; it is settled exactly when the order was completed. */
export const paymentAudit = defineAudit({
  of: orders,
  rows: auditedPayments,
  about: ({ orderId }) => orderId,
  document: ({ id }) => `${paymentsCollection}/${id}`,
  listed: 'payments',
  checks: ['orphan', 'one-payment', 'agreement', 'completed', 'undone'],
  check(payments, thing) {
    const placed = thing.told(placedOrder);
    const { outcome } = thing;
    return [
      ...found('orphan', placed === undefined ? orphans(payments) : []),
      ...found('one-payment', onePayment(payments, thing)),
      ...(placed === undefined || outcome === undefined
        ? []
        : [
            ...found('agreement', agreement(payments, placed.payment)),
            ...(outcome === 'completed' ? found('completed', settled(payments)) : found('undone', undone(payments))),
          ]),
    ];
  },
});

function orphans(payments: Payments): readonly string[] {
  return payments
    .filter(({ status }) => LIVE.includes(status))
    .map(({ id, status }) => `there is no such order, and payment ${id} is ${status}`);
}

function onePayment(payments: Payments, { told }: AuditedThing): readonly string[] {
  const counted = payments.filter(({ status }) => status !== 'voided');
  const wrong = counted.length > 1 ? [`${counted.length} payments: ${counted.map(({ id }) => id).join(', ')}`] : [];
  const placed = told(placedOrder);
  if (placed === undefined) return wrong;
  const { total, customerId } = placed;
  for (const { id, amount, customerId: payer } of payments) {
    if (amount.amount !== total.amount || amount.currency !== total.currency)
      wrong.push(`payment ${id} is over ${shown(amount)}, the order over ${shown(total)}`);
    if (payer !== customerId) wrong.push(`payment ${id} is ${payer}'s, not ${customerId}'s`);
  }
  return wrong;
}

/** What the order was told of its payment is so. */
function agreement(
  payments: Payments,
  told: { readonly id: string; readonly status: string } | undefined,
): readonly string[] {
  const actual = payments.find(({ id }) => id === told?.id);
  return told === undefined || told.status === actual?.status
    ? []
    : [`the order's payment ${told.id} is ${told.status}, the payment itself ${actual?.status ?? 'absent'}`];
}

function settled(payments: Payments): readonly string[] {
  return payments.filter(({ status }) => status === 'settled').length === 1
    ? []
    : [`its payment is ${payments.map(({ status }) => status).join(', ') || 'absent'}, not settled`];
}

function undone(payments: Payments): readonly string[] {
  return payments
    .filter(({ status }) => LIVE.includes(status))
    .map(({ id, status }) => `payment ${id} is still ${status}`);
}

function shown({ amount, currency }: Money): string {
  return `${amount} ${currency}`;
}
