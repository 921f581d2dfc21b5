import type { Connection } from 'mongoose';
import type { AcceptedOrder } from './facts.ts';
import type { AuditSources } from './reading.ts';
import { auditedMails } from '#services/notify/view.ts';
import { auditedOrders } from '#services/order/view.ts';
import { auditedPayments } from '#services/payment/view.ts';
import { auditedSagas } from '#services/saga/view.ts';
import { auditedEntries, auditedWallets, entriesByCustomer } from '#services/wallet/view.ts';
import type { AuditRule } from '#shared/audit-rule.ts';
import type { Source } from '#shared/database/pages.ts';

/** Everything that an audit reads, from the services' own collections. */
export function auditSources(
  db: Connection,
  accepted: Source<AcceptedOrder>,
  services: readonly { readonly name: string; readonly audit?: AuditRule | undefined }[],
): AuditSources {
  return {
    accepted,
    sagas: auditedSagas(db),
    payments: auditedPayments(db),
    mails: auditedMails(db),
    entries: auditedEntries(db),
    orders: auditedOrders(db),
    own: Object.fromEntries(
      services.flatMap(({ name, audit: rule }) => (rule === undefined ? [] : [[name, { rule, rows: rule.rows(db) }]])),
    ),
    wallets: auditedWallets(db),
    ledger: (size, customerId) => entriesByCustomer(db, size, customerId),
  };
}
