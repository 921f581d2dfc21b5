import { acceptedRequests } from './view.ts';
import { defineAudit } from '#shared/audit-rule.ts';

/** What clients were told to be accepted, of any kind: its owner says what must have become of it. */
export const gatewayAudit = defineAudit({
  of: 'anything',
  rows: (db, { asked }) => (asked === undefined ? undefined : acceptedRequests(db, asked)),
  about: ({ resourceId }) => resourceId,
  document: ({ resourceId }) => `requests/${resourceId}`,
  checks: [],
  tells: ([request]) => ({ acceptedAt: request?.acceptedAt }),
  check: () => [],
});
