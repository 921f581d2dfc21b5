import * as contract from './contract.ts';
import { messageIdOf, renderMail, type RenderedMail } from './templates.ts';
import type { MailKind } from './wording.ts';
import { answering, on, type Context, type Effect, type Entity, type Result } from '#shared/entity/entity.ts';
import type { BodyOf } from '#shared/message.ts';

type MailedOutcome = BodyOf<typeof contract.send>['outcome'];

export interface Mail {
  readonly to: string;
  readonly subject: string;
  readonly text: string;
  readonly html: string;
  /** With angle brackets. The same for every copy, so that receivers can drop doubles. */
  readonly messageId: string;
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * Hands a mail to the mail server. Rejects when the outcome is not known or the server is in trouble: the mail may be
 * sent again, and copies of one mail then have the same `Message-ID`.
 */
export interface Mailer {
  send(
    mail: Mail,
    signal: AbortSignal,
  ): Promise<
    | { readonly accepted: true; /** Epoch ms, after the server took it. */ readonly at: number }
    | {
        readonly accepted: false;
        readonly reason: MailRefusal;
        /** What the server answered, as `detail`. */ readonly detail?: string;
      }
  >;
}

/** Why a mail server takes no mail for an address, for good. */
export type MailRefusal = Extract<
  BodyOf<typeof contract.sendRefused>['reason'],
  'rejected_address' | 'smtputf8_not_offered'
>;

/** A mail that the server accepted. */
export interface SentMail {
  readonly outcome: MailedOutcome;
  readonly kind: MailKind;
  readonly to: string;
  readonly subject: string;
  readonly messageId: string;
  /** Epoch ms. */
  readonly acceptedAt: number;
}

/** A mail that the server refused for good. */
export interface RefusedMail extends Omit<SentMail, 'acceptedAt'> {
  readonly reason: MailRefusal;
  /** Epoch ms. */
  readonly refusedAt: number;
}

export interface NotificationState {
  readonly orderId: string;
  readonly mails: readonly SentMail[];
  /** At most one of each outcome. */
  readonly refused?: readonly RefusedMail[];
  /** A success mail that arrives from now on is refused. */
  readonly retracted: boolean;
}

export interface NotificationOptions {
  readonly mailer: Mailer;
  /** What a mail may take and how it is tried again; absent: like any other effect. */
  readonly effect?: Effect;
}

/**
 * A mail takes as long as the mail server wants, but a try that hangs, or five that fail at once, end before the saga gives the
 * order up: its undo waits for what becomes of the mail, so that the customer is told nothing that is not corrected.
 */
export function mailEffect(sagaDeadlineMs: number) {
  const part = (of: number): number => Math.max(1, Math.floor(sagaDeadlineMs / of));
  return { limitMs: part(2), retry: { baseMs: part(20), capMs: sagaDeadlineMs, attempts: 5 } } satisfies Effect;
}

/**
 * What a customer was told about an order: at most one success mail and one mail about its end. After a success mail was
 * accepted, the other is worded as a correction; after the other, a success mail is refused.
 */
export function notificationEntity({ mailer, effect }: NotificationOptions): Entity<NotificationState> {
  return {
    route: 'notify',
    handlers: [
      on(contract.send, (state, body, context) => send(mailer, state, body, context), effect),
      on(contract.retract, retract),
    ],
  };
}

async function send(
  mailer: Mailer,
  before: NotificationState | undefined,
  body: BodyOf<typeof contract.send>,
  context: Context,
): Promise<Result<NotificationState>> {
  const { orderId, outcome } = body;
  const state = before ?? untold(orderId);
  const done = (next: NotificationState, { messageId, acceptedAt }: SentMail): Result<NotificationState> =>
    answering(next, context.answer(contract.sent, { orderId, mailId: messageId, dispatchedAt: acceptedAt }));
  type Reason = BodyOf<typeof contract.sendRefused>['reason'];
  const refuse = (reason: Reason, next = state, detail?: string): Result<NotificationState> =>
    answering(next, context.answer(contract.sendRefused, { orderId, reason, ...(detail !== undefined && { detail }) }));

  if (outcome === 'completed' && state.retracted) return refuse('retracted');
  const already = state.mails.find((mail) => mail.outcome === outcome);
  if (already) return done(state, already);
  if (state.mails.some((mail) => mail.outcome !== 'completed')) return refuse('conflicting_outcome');

  const messageId = messageIdOf(orderId, outcome);
  const { kind, ...rendered } = mailOf(state, body);
  const { traceparent } = context.message;
  const headers = { 'X-Order-Id': orderId, ...(traceparent !== undefined && { traceparent }) };
  const outcomeOfMail = await mailer.send({ to: body.to, messageId, headers, ...rendered }, context.signal);
  const mail = { outcome, kind, to: body.to, subject: rendered.subject, messageId };
  if (!outcomeOfMail.accepted) {
    const { reason, detail } = outcomeOfMail;
    const others = state.refused?.filter((one) => one.outcome !== outcome) ?? [];
    const refused = [...others, { ...mail, reason, refusedAt: context.now }];
    return refuse(reason, { ...state, refused }, detail);
  }
  const accepted: SentMail = { ...mail, acceptedAt: outcomeOfMail.at };
  return done({ ...state, mails: [...state.mails, accepted] }, accepted);
}

/** The mail that tells this, after those that were accepted. */
export function mailOf(
  { mails }: Pick<NotificationState, 'mails'>,
  body: BodyOf<typeof contract.send>,
): RenderedMail & { readonly kind: MailKind } {
  const kind = mails.length > 0 ? 'correction' : body.outcome;
  return { kind, ...renderMail({ ...body, kind }) };
}

function retract(
  before: NotificationState | undefined,
  { orderId }: BodyOf<typeof contract.retract>,
  context: Context,
): Result<NotificationState> {
  const state = before ?? untold(orderId);
  const accepted = state.mails.some((mail) => mail.outcome === 'completed');
  return {
    state: { ...state, retracted: true },
    send: [context.answer(contract.retracted, { orderId, accepted })],
  };
}

function untold(orderId: string): NotificationState {
  return { orderId, mails: [], retracted: false };
}
