import type { AuditedDelivery } from '#services/delivery/view.ts';
import type { AuditedMails } from '#services/notify/view.ts';
import type { AuditedOrder } from '#services/order/view.ts';
import type { AuditedPayment } from '#services/payment/view.ts';
import type { AuditedSaga } from '#services/saga/view.ts';
import type { AuditedEntry } from '#services/wallet/view.ts';

/** An order that a client was told to be accepted. */
export interface AcceptedOrder {
  readonly orderId: string;
  /** Epoch ms. */
  readonly acceptedAt: number;
}

/** Everything that the services keep about one order. Each part is one document; there may be too many, or none. */
export interface OrderFacts {
  readonly orderId: string;
  readonly accepted?: AcceptedOrder;
  readonly saga?: AuditedSaga;
  readonly payments: readonly AuditedPayment[];
  readonly delivery?: AuditedDelivery;
  readonly mails: AuditedMails['mails'];
  readonly entries: readonly AuditedEntry[];
  readonly order?: AuditedOrder;
}

/** Each is a label of the metric and has a line in docs/audit.md. */
export const checkNames = [
  'hanging',
  'orphan',
  'one-payment',
  'one-capture',
  'completed',
  'undone',
  'agreement',
  'mails',
  'ledger',
  'negative',
  'held',
] as const;
export type CheckName = (typeof checkNames)[number];

export interface Finding {
  readonly check: CheckName;
  /** One sentence, with amounts in minor units. */
  readonly detail: string;
}

/** The documents that the facts are from, as `collection/id`. */
export function documentsOf({ orderId, ...facts }: OrderFacts): readonly string[] {
  return [
    ...(facts.accepted ? [`requests/${orderId}`] : []),
    ...(facts.order ? [`orders/${orderId}`] : []),
    ...(facts.saga ? [`sagas/${orderId}`] : []),
    ...facts.payments.map(({ id }) => `payments/${id}`),
    ...(facts.delivery ? [`deliveries/${orderId}`] : []),
    ...(facts.mails.length > 0 ? [`notifications/${orderId}`] : []),
    ...facts.entries.map(({ id }) => `wallet_entries/${id}`),
  ];
}
