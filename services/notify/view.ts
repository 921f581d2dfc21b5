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
    status: z
      .enum(['accepted', 'refused', 'sending', 'waiting'])
      .describe('`sending`: it is being tried; `waiting`: for its next try, or for what is before it.'),
    kind: z.string().describe('What it tells: `completed`, `failed`, `cancelled`, or `correction` of an earlier one.'),
    to: z.string().describe('To whom.'),
    subject: z.string().describe('Its subject.'),
    messageId: z.string().describe('With angle brackets, as in its header; the same for every copy.'),
    acceptedAt: time.optional().describe('When the mail server took it.'),
    refusedAt: time.optional().describe('When the mail server refused it for good.'),
    reason: z.string().optional().describe('Why it did: `rejected_address` or `smtputf8_not_offered`.'),
    attempts: z
      .int()
      .optional()
      .describe('Of a mail that is neither accepted nor refused: tries so far, this one included.'),
    lastError: z.string().optional().describe('Why the last try failed.'),
    nextTryAt: time.optional().describe('When it is tried again.'),
  }).meta({
    examples: [
      {
        status: 'accepted',
        kind: 'completed',
        to: 'alice@example.org',
        subject: 'Your order 4F2A-91BC is confirmed',
        messageId: '<0193f7a0-5a5a-7000-8000-00004f2a91bc.completed@switchyard.example>',
        acceptedAt: '2026-11-28T13:05:00.788Z',
      },
    ],
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
