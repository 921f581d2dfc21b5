import type { Connection } from 'mongoose';
import { z } from 'zod';
import { send } from './contract.ts';
import { notificationsCollection, type StoredNotification } from './model.ts';
import { mailOf, type SentMail } from './notification.ts';
import { messageIdOf } from './templates.ts';
import { storedById } from '#shared/database/archive.ts';
import type { Stashed } from '#shared/entity/store.ts';
import { documentsById, type Source } from '#shared/database/pages.ts';
import { named, shape, time } from '#shared/web/shapes.ts';

/** A mail as the API shows it: one that the mail server accepted, refused for good, or has not accepted yet. */
export const mailShape = named(
  'Email',
  shape({
    /** `sending`: it is being tried; `waiting`: for its next try, or for what is before it. */
    status: z.enum(['accepted', 'refused', 'sending', 'waiting']),
    kind: z.string(),
    to: z.string(),
    subject: z.string(),
    /** With angle brackets, as in the header. */
    messageId: z.string(),
    /** Of an accepted mail. */
    acceptedAt: time.optional(),
    /** Of one that was refused for good, and why. */
    refusedAt: time.optional(),
    reason: z.string().optional(),
    /** Of one that is neither: tries so far, this one included. */
    attempts: z.int().optional(),
    /** Why the last try that ended failed. */
    lastError: z.string().optional(),
    /** While it is being tried: when another try begins if nothing is heard of this one. */
    nextTryAt: time.optional(),
  }),
);
export type MailView = z.infer<typeof mailShape>;

export interface MailQueries {
  /** In the order of their acceptance, then those that were refused, then those that are neither; empty also for an order that is not known. */
  emails(orderId: string): Promise<{ readonly items: readonly MailView[] }>;
}

/** Read-only queries on the notify service's collection. */
export function notifyView(db: Connection): MailQueries {
  return {
    async emails(orderId) {
      const stored = await storedById<StoredNotification>(db, notificationsCollection, orderId, {
        state: 1,
        stash: 1,
      });
      const mails = stored?.state?.mails ?? [];
      const accepted = mails.map(({ kind, to, subject, messageId, acceptedAt }): MailView => ({
        status: 'accepted',
        kind,
        to,
        subject,
        messageId,
        acceptedAt: new Date(acceptedAt).toISOString(),
      }));
      const refused = (stored?.state?.refused ?? [])
        .filter(({ outcome }) => !mails.some((mail) => mail.outcome === outcome))
        .map(({ kind, to, subject, messageId, reason, refusedAt }): MailView => ({
          status: 'refused',
          kind,
          to,
          subject,
          messageId,
          refusedAt: new Date(refusedAt).toISOString(),
          reason,
        }));
      const open = (stored?.stash ?? []).flatMap((one) => notAccepted(mails, one));
      return { items: [...accepted, ...refused, ...open] };
    },
  };
}

function notAccepted(mails: readonly SentMail[], stashed: Stashed): readonly MailView[] {
  const { message, attempts, lastError, nextTryAt, leasedUntil } = stashed;
  const body = send.body.safeParse(message.body);
  if (message.type !== send.name || !body.success) return [];
  if (mails.some(({ outcome }) => outcome === body.data.outcome)) return [];
  const { kind, subject } = mailOf({ mails }, body.data);
  return [
    {
      status: leasedUntil === undefined ? 'waiting' : 'sending',
      kind,
      to: body.data.to,
      subject,
      messageId: messageIdOf(body.data.orderId, body.data.outcome),
      attempts,
      ...(lastError !== undefined && { lastError }),
      nextTryAt: new Date(nextTryAt).toISOString(),
    },
  ];
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
