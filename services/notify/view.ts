import type { Connection } from 'mongoose';
import { notificationsCollection, type StoredNotification } from './model.ts';
import type { SentMail } from './notification.ts';
import type { MailKind } from './templates.ts';
import { storedById } from '#shared/archive.ts';
import { documentsById, type Source } from '#shared/pages.ts';

/** A mail that the mail server accepted, as the API shows it. */
export interface MailView {
  readonly kind: MailKind;
  readonly to: string;
  readonly subject: string;
  /** With angle brackets, as in the header. */
  readonly messageId: string;
  /** RFC 3339. */
  readonly acceptedAt: string;
}

/** Read-only queries on the notify service's collection. */
export function notifyView(db: Connection) {
  return {
    /** In the order of their acceptance; empty also for an order that is not known. */
    async emails(orderId: string): Promise<{ readonly items: readonly MailView[] }> {
      const stored = await storedById<StoredNotification>(db, notificationsCollection, orderId, { state: 1 });
      const mails = stored?.state?.mails ?? [];
      return {
        items: mails.map(({ kind, to, subject, messageId, acceptedAt }) => ({
          kind,
          to,
          subject,
          messageId,
          acceptedAt: new Date(acceptedAt).toISOString(),
        })),
      };
    },
  };
}

/** What an audit reads of the mails about an order. */
export interface AuditedMails {
  readonly orderId: string;
  readonly mails: readonly Pick<SentMail, 'outcome' | 'kind' | 'messageId' | 'acceptedAt'>[];
}

/** Every order that mails were accepted for, by id. */
export function auditedMails(db: Connection): Source<AuditedMails> {
  return documentsById<StoredNotification, AuditedMails>(db, {
    collection: notificationsCollection,
    archived: true,
    fields: {
      'state.mails.outcome': 1,
      'state.mails.kind': 1,
      'state.mails.messageId': 1,
      'state.mails.acceptedAt': 1,
    },
    row: ({ _id: orderId, state }) => state && { orderId, mails: state.mails },
  });
}
