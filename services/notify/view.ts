import type { Connection } from 'mongoose';
import { notificationsCollection, type StoredNotification } from './model.ts';
import type { MailKind } from './templates.ts';

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
      const stored = await db
        .collection<StoredNotification>(notificationsCollection)
        .findOne({ _id: orderId }, { projection: { state: 1 } });
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
