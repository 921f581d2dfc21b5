import type { CausalState } from './causal-entity.ts';
import { type AuditFinding, type AuditRule, defineAudit } from '#shared/audit-rule.ts';
import { type AuditedKind, auditFact } from '#shared/audited-thing.ts';
import { documentsById } from '#shared/database/pages.ts';

/** What the documents of a checkout are about; an approved one becomes the order of the same id. */
export const checkouts: AuditedKind = { name: 'checkouts', id: 'orderId', asked: 'checkout' };

/** Whether the checkout has ended and the final clock reached everybody. */
export const checkoutIsOver = auditFact<boolean>('checkout.is-over');

interface KeptRow {
  readonly orderId: string;
  readonly status: CausalState['status'];
}

/** Of a checkout that is over a service keeps nothing. */
export function causalAudit(collection: string): AuditRule {
  return defineAudit<KeptRow>({
    of: checkouts,
    rows: (db) =>
      documentsById<{ readonly _id: string; readonly state?: CausalState }, KeptRow>(db, {
        collection,
        archived: true,
        fields: { 'state.status': 1 },
        row: ({ _id: orderId, state }) => state && { orderId, status: state.status },
      }),
    about: ({ orderId }) => orderId,
    document: ({ orderId }) => `${collection}/${orderId}`,
    checks: ['kept'],
    check([row], { told }): readonly AuditFinding[] {
      if (row?.status !== 'open' || told(checkoutIsOver) !== true) return [];
      return [{ check: 'kept', detail: `its checkout is over, and ${collection} keeps its data` }];
    },
  });
}
