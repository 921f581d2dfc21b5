import { createTransport, type NodemailerError } from 'nodemailer';
import type { Mailer, MailRefusal } from './notification.ts';
import { offers } from './smtp-extensions.ts';
import { asSent, needsSmtpUtf8 } from '#services/email-address.ts';
import { detailFrom } from '#services/fields.ts';
import type { Clock } from '#shared/clock.ts';
import { within } from '#shared/within.ts';

export interface MailerOptions {
  /** `smtp://user:password@host:port` or `smtps://...`. */
  readonly url: string;
  /** An address with an optional name: `Switchyard <orders@example.org>`. */
  readonly from: string;
  /** What a whole mail may take, ms; no phase of it is given longer than this. */
  readonly limitMs: number;
  readonly clock: Clock;
}

/** One plain address: no list, no name, no route, nothing that could end a header or an SMTP command. */
const ADDRESS = /^[^\s\p{Cc}<>()[\]\\,;:"@]+@[^\s\p{Cc}<>()[\]\\,;:"@]+$/u;

/**
 * The longest waits, ms: for the connection, for the greeting, for any other answer (RFC 5321 section 4.5.3.2: 5 minutes for the
 * greeting and most commands, 10 for the answer to the whole mail).
 */
const PHASES = { dns: 30_000, connection: 60_000, greeting: 300_000, socket: 600_000 } as const;
/** How long the check of readiness waits. */
const CHECK_MS = 5_000;

/**
 * A mailer over SMTP with kept connections. Accepted means that the server answered 250 to the whole mail. A server that
 * will never take mail for this address (5xx to the recipient, RFC 5321 section 4.2.1, or an enhanced code 5.1.x, RFC
 * 3463) is a refusal; anything else throws. An address with other than ASCII before its domain is given only to a server that
 * offers SMTPUTF8 (RFC 6531 section 3.2); other servers refuse it. Aborting ends the connection, so a mail that waits is never sent later.
 */
export function smtpMailer({ url, from, limitMs, clock }: MailerOptions): Mailer & {
  /** Throws when the server does not answer or does not let us in. */
  check(): Promise<void>;
  close(): void;
} {
  const { protocol, hostname, port, username, password } = new URL(url);
  const secure = protocol === 'smtps:';
  const options = {
    host: hostname.replace(/^\[|\]$/g, ''),
    port: port === '' ? (secure ? 465 : 587) : Number(port),
    secure,
    ...(username !== '' && { auth: { user: decodeURIComponent(username), pass: decodeURIComponent(password) } }),
    connectionTimeout: Math.min(PHASES.connection, limitMs),
    greetingTimeout: Math.min(PHASES.greeting, limitMs),
    socketTimeout: Math.min(PHASES.socket, limitMs),
    dnsTimeout: Math.min(PHASES.dns, limitMs),
  };
  const transport = createTransport({
    ...options,
    pool: true,
    maxConnections: 10,
    maxMessages: 1000,
    disableFileAccess: true,
    disableUrlAccess: true,
  });

  return {
    async send({ to, subject, text, html, messageId, headers }, signal) {
      const address = ADDRESS.test(to) ? asSent(to) : undefined;
      if (address === undefined) return { accepted: false, reason: 'rejected_address' };
      if (needsSmtpUtf8(address) && !(await offers(options, 'SMTPUTF8', signal)))
        return { accepted: false, reason: 'smtputf8_not_offered' };
      try {
        await transport.sendMail({
          from,
          to: { name: '', address },
          subject,
          text,
          html,
          messageId,
          headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, oneLine(value)])),
          date: new Date(clock.now()),
          signal,
        });
        return { accepted: true, at: clock.now() };
      } catch (error) {
        const { response = '' } = error as NodemailerError;
        const reason = refusalIn(error as NodemailerError);
        if (reason !== undefined) return { accepted: false, reason, detail: detailFrom(`${reason}: ${response}`) };
        throw error;
      }
    },
    async check() {
      await within(clock, Math.min(CHECK_MS, limitMs), transport.verify());
    },
    close: () => transport.close(),
  };
}

/** 5.6.7 and 5.6.9 (RFC 6531 section 3.5): a server further on takes no such address. */
function refusalIn({ responseCode, command, response = '' }: NodemailerError): MailRefusal | undefined {
  if (responseCode === undefined || responseCode < 500) return undefined;
  if (/^5\d\d[ -]5\.6\.[79]\b/.test(response)) return 'smtputf8_not_offered';
  return command === 'RCPT TO' || /^5\d\d[ -]5\.1\.\d/.test(response) ? 'rejected_address' : undefined;
}

function oneLine(value: string): string {
  return value.replaceAll(/\p{Cc}+/gu, ' ');
}
