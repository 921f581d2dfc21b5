import { formatMoney, type Money } from '#services/money.ts';

/** `correction` tells that an earlier success mail no longer holds. */
export type MailKind = 'completed' | 'failed' | 'cancelled' | 'correction';

export interface MailFacts {
  readonly kind: MailKind;
  readonly orderId: string;
  readonly outcome: 'completed' | 'failed' | 'cancelled';
  readonly customerId: string;
  readonly total: Money;
  readonly reason?: string | undefined;
}

export interface RenderedMail {
  readonly subject: string;
  readonly text: string;
  readonly html: string;
}

/** The domain of our message ids; they name mails, nothing is delivered there. */
const DOMAIN = 'switchyard.example';

const reasons: Readonly<Record<string, string>> = {
  insufficient_funds: 'Your wallet does not hold enough money.',
  unknown_customer: 'There is no wallet under your name yet.',
  currency_mismatch: 'Your wallet is kept in another currency.',
  card_declined: 'Your payment method was declined.',
  not_deliverable: 'What you ordered cannot be delivered.',
  unknown_payment_method: 'Your payment method is not known.',
};

/** A mail about an order, as plain text and as HTML that shows customers' words as words. */
export function renderMail({ kind, orderId, outcome, customerId, total, reason }: MailFacts): RenderedMail {
  const order = printable(orderId);
  const amount = formatMoney(total);
  const why = (reason !== undefined && Object.hasOwn(reasons, reason) && reasons[reason]) || undefined;
  const { subject, lines } = wording(kind, outcome, order, amount, why);
  const paragraphs = [`Hello ${printable(customerId)},`, ...lines, 'Switchyard'];
  return {
    subject,
    text: `${paragraphs.join('\n\n')}\n`,
    html: [
      '<!doctype html>',
      `<html lang="en"><head><meta charset="utf-8"><title>${escapeHtml(subject)}</title></head><body>`,
      ...paragraphs.map((paragraph) => `<p>${escapeHtml(paragraph)}</p>`),
      '</body></html>',
      '',
    ].join('\n'),
  };
}

function wording(
  kind: MailKind,
  outcome: MailFacts['outcome'],
  order: string,
  amount: string,
  why: string | undefined,
): { readonly subject: string; readonly lines: readonly string[] } {
  switch (kind) {
    case 'completed':
      return {
        subject: `Your order ${order} is confirmed`,
        lines: [`Thank you. Your order ${order} is paid: ${amount}.`],
      };
    case 'failed':
      return {
        subject: `Your order ${order} could not be completed`,
        lines: [
          `We could not complete your order ${order} of ${amount}.`,
          ...(why ? [why] : []),
          'You were not charged.',
        ],
      };
    case 'cancelled':
      return {
        subject: `Your order ${order} is cancelled`,
        lines: [`Your order ${order} of ${amount} is cancelled.`, 'You were not charged.'],
      };
    case 'correction':
      return {
        subject: `Correction: your order ${order} ${outcome === 'cancelled' ? 'is cancelled' : 'could not be completed'}`,
        lines: [
          `We told you that your order ${order} is confirmed. That was wrong, and we are sorry.`,
          ...(why ? [why] : []),
          `The ${amount} are back in your wallet.`,
        ],
      };
  }
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

/** On one line, without control characters or those that turn the direction of text. */
function printable(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ').trim();
}

function escapeHtml(text: string): string {
  const entities: Readonly<Record<string, string>> = {
    '&': '&amp;',
    '<': '&lt;',
    '>': '&gt;',
    '"': '&quot;',
    "'": '&#39;',
  };
  return text.replaceAll(/[&<>"']/g, (character) => entities[character] ?? character);
}
