import { orderNumberOf } from './order-number.ts';
import { wordingOf, type MailKind } from './wording.ts';
import { formatMoney, type Money } from '#services/money.ts';

export interface MailFacts {
  readonly kind: MailKind;
  readonly orderId: string;
  readonly outcome: 'completed' | 'failed' | 'cancelled';
  readonly customerId: string;
  readonly total: Money;
  readonly reason?: string | undefined;
  /** Epoch ms. */
  readonly placedAt?: number | undefined;
  readonly items?:
    | readonly {
        readonly sku: string;
        readonly quantity: number;
        readonly unitAmount: number;
        /** Of the line, where it is not quantity x unit amount. */
        readonly amount?: number | undefined;
      }[]
    | undefined;
  /** How many items the order has beside those. */
  readonly itemsLeftOut?: number | undefined;
}

/** What the text and the HTML of a mail show. Every string is one printable line, not yet escaped for HTML. */
export interface MailContent {
  readonly subject: string;
  readonly headline: string;
  readonly isGood: boolean;
  readonly greeting: string;
  readonly paragraphs: readonly string[];
  readonly facts: readonly (readonly [label: string, value: string])[];
  readonly lines: readonly MailLine[];
  /** What stands for the items that are not listed; absent: all are. */
  readonly more?: string;
  readonly total: readonly [label: string, amount: string];
  readonly next: string;
  readonly closing: string;
}

export interface MailLine {
  readonly name: string;
  readonly quantity: string;
  readonly unitPrice: string;
  readonly amount: string;
}

const placing = new Intl.DateTimeFormat('en-GB', { dateStyle: 'long', timeStyle: 'short', timeZone: 'UTC' });

/** What a mail about these facts says. */
export function contentOf(facts: MailFacts): MailContent {
  const { orderId, customerId, total, placedAt, items = [], itemsLeftOut = 0 } = facts;
  const number = printable(orderNumberOf(orderId));
  const reason = facts.reason === undefined ? undefined : printable(facts.reason);
  const { subject, prefix = '', totalLabel, ...words } = wordingOf({ ...facts, reason, isListed: items.length > 0 });
  const placed = placedAt === undefined ? [] : [['Placed', `${placing.format(placedAt)} UTC`] as const];
  return {
    ...words,
    subject: `${prefix}${prefix === '' ? 'Your' : 'your'} order ${number} ${subject}`,
    greeting: `Hello ${printable(customerId)},`,
    facts: [['Order number', number], ...placed],
    lines: items.map(({ sku, quantity, unitAmount, amount = unitAmount * quantity }) => ({
      name: printable(sku),
      quantity: String(quantity),
      unitPrice: formatMoney({ ...total, amount: unitAmount }),
      amount: formatMoney({ ...total, amount }),
    })),
    ...(itemsLeftOut > 0 && { more: `and ${itemsLeftOut} more ${itemsLeftOut === 1 ? 'item' : 'items'}` }),
    total: [totalLabel, formatMoney(total)],
    closing: `You get this mail because of order ${printable(orderId)}.`,
  };
}

/** On one line, without control characters or those that turn the direction of text. */
function printable(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ').trim();
}
