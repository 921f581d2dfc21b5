import { contentOf, type MailFacts } from './mail-content.ts';
import { htmlOf } from './mail-html.ts';
import { mailTextOf } from './mail-text.ts';

export type { MailFacts } from './mail-content.ts';

export interface RenderedMail {
  readonly subject: string;
  readonly text: string;
  readonly html: string;
}

/** The domain of our message ids; they name mails, nothing is delivered there. */
const DOMAIN = 'switchyard.example';

/** A mail about an order, as plain text and as HTML that shows customers' words as words. */
export function renderMail(facts: MailFacts): RenderedMail {
  const content = contentOf(facts);
  return { subject: content.subject, text: mailTextOf(content), html: htmlOf(content) };
}

/**
 * `<order.outcome@domain>`, the same for every copy of a mail. An order id may hold any characters; those that RFC 5322
 * does not allow there are written as `_` and the hex digits of their UTF-8 bytes, so that different orders stay different.
 */
export function messageIdOf(orderId: string, outcome: string): string {
  return `<${orderId.replaceAll(/[^A-Za-z0-9-]/gu, escapedBytes)}.${outcome}@${DOMAIN}>`;
}

function escapedBytes(character: string): string {
  return [...new TextEncoder().encode(character)].map((byte) => `_${byte.toString(16).padStart(2, '0')}`).join('');
}
