import type { AuditedMails } from '#services/notify/view.ts';
import type { AuditedOrder } from '#services/order/view.ts';
import type { AuditedPayment } from '#services/payment/view.ts';
import type { AuditedSaga } from '#services/saga/view.ts';
import type { AuditedEntry } from '#services/wallet/view.ts';
import type { AuditedRow, AuditFinding, AuditRule } from '#shared/audit-rule.ts';

/** What single services say must hold of their documents, by name. */
export type OwnRules = Readonly<Record<string, AuditRule>>;

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
  readonly mails: AuditedMails['mails'];
  readonly entries: readonly AuditedEntry[];
  readonly order?: AuditedOrder;
  /** Of the services that say themselves what must hold, by name. */
  readonly own: Readonly<Record<string, readonly AuditedRow[]>>;
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
/** Another name comes from a service's own rule. */
export type CheckName = (typeof checkNames)[number] | (string & {});

export type Finding = AuditFinding;

/** The documents that the facts are from, as `collection/id`. */
export function documentsOf({ orderId, ...facts }: OrderFacts, rules: OwnRules): readonly string[] {
  return [
    ...(facts.accepted ? [`requests/${orderId}`] : []),
    ...(facts.order ? [`orders/${orderId}`] : []),
    ...(facts.saga ? [`sagas/${orderId}`] : []),
    ...facts.payments.map(({ id }) => `payments/${id}`),
    ...(facts.mails.length > 0 ? [`notifications/${orderId}`] : []),
    ...facts.entries.map(({ id }) => `wallet_entries/${id}`),
    ...Object.entries(facts.own).flatMap(([name, rows]) => rows.map((row) => rules[name]?.document(row) ?? name)),
  ];
}

/** Everything that these rules, and the audit's own, can find. */
export function checksOf(rules: OwnRules): readonly string[] {
  return [...new Set([...checkNames, ...Object.values(rules).flatMap(({ checks }) => checks)])];
}
