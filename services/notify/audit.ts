import { notificationsCollection } from './model.ts';
import { type AuditedMails, auditedMails } from './view.ts';
import { orders } from '#services/order/contract.ts';
import { defineAudit, found } from '#shared/audit-rule.ts';
import type { AuditedThing } from '#shared/audited-thing.ts';

const CLOSING_STEP = 'tell-customer';

/** A customer is told once how an order ended, and corrected at most once. */
export const notifyAudit = defineAudit({
  of: orders,
  rows: auditedMails,
  about: ({ orderId }) => orderId,
  document: ({ orderId }) => `${notificationsCollection}/${orderId}`,
  checks: ['orphan', 'mails', 'completed', 'undone'],
  check([row], thing) {
    const mails = row?.mails ?? [];
    return [
      ...found('mails', wrongMails(mails, thing.outcome)),
      ...(thing.exists
        ? untold(mails, thing)
        : found('orphan', mails.length === 0 ? [] : [`there is no such order, and ${mails.length} mails were sent`])),
    ];
  },
});

/** At most one mail per outcome, one end, and after a success mail only a correction. */
function wrongMails(mails: AuditedMails['mails'], outcome: string | undefined): readonly string[] {
  const wrong: string[] = [];
  const outcomes = mails.map((mail) => mail.outcome);
  const ids = mails.map(({ messageId }) => messageId);
  if (new Set(outcomes).size < outcomes.length || new Set(ids).size < ids.length)
    wrong.push(`mails sent twice: ${outcomes.join(', ')}`);
  const [first, ...later] = mails;
  for (const mail of later)
    if (first?.outcome !== 'completed' || mail.kind !== 'correction')
      wrong.push(`after the mail ${first?.outcome} came ${mail.kind} (${mail.outcome})`);
  const told = outcomes.filter((one) => one !== 'completed');
  if (outcome !== undefined && told.some((one) => one !== outcome))
    wrong.push(`it ended ${outcome}, its customer was told ${told.join(', ')}`);
  return wrong;
}

/** A mail that was refused for good, or that nobody could send in time, is known to the saga. */
function untold(mails: AuditedMails['mails'], { outcome, saga }: AuditedThing) {
  if (outcome === undefined || mails.some((mail) => mail.outcome === outcome)) return [];
  if (outcome === 'completed') return found('completed', ['its customer was not told']);
  const wasSent = saga?.steps.some(({ name, end }) => name === CLOSING_STEP && end === undefined) === true;
  return found('undone', wasSent ? ['its customer was not told'] : []);
}
