import { plainReason } from './reasons.ts';
import { formatMoney, type Money } from '#services/money.ts';

/** `correction` tells that an earlier success mail no longer holds. */
export type MailKind = 'completed' | 'failed' | 'cancelled' | 'correction';

export interface Told {
  readonly kind: MailKind;
  readonly outcome: 'completed' | 'failed' | 'cancelled';
  readonly total: Money;
  readonly reason?: string | undefined;
  /** Whether the mail lists what was ordered; messages of older versions do not tell it. */
  readonly isListed: boolean;
}

/** What a mail says, without the facts that every mail lists. */
export interface Wording {
  /** After `Your order 3F2A-91BC`. */
  readonly subject: string;
  /** Stands before the subject. */
  readonly prefix?: string;
  readonly headline: string;
  readonly paragraphs: readonly string[];
  readonly next: string;
  readonly totalLabel: string;
  readonly isGood: boolean;
}

const UNTOUCHED = 'You are not charged, and no money is held back for it.';

/** The words of each kind of mail. */
export function wordingOf({ kind, outcome, total, reason, isListed }: Told): Wording {
  const free = total.amount === 0;
  const because = reason === undefined ? undefined : plainReason(reason);
  const why = because === undefined ? [] : [because.why];
  const untouched = free ? [] : [UNTOUCHED];
  switch (kind) {
    case 'completed':
      return {
        subject: 'is confirmed',
        headline: 'Thank you for your order',
        paragraphs: [
          free ? 'There was nothing to pay.' : `Your order is paid: ${formatMoney(total)} were taken from your wallet.`,
        ],
        next: isListed
          ? 'Our warehouse has your order and sends the items to you. There is nothing that you have to do.'
          : 'There is nothing that you have to do.',
        totalLabel: free ? 'Total' : 'Total paid',
        isGood: true,
      };
    case 'failed':
      return {
        subject: 'could not be completed',
        headline: 'We could not complete your order',
        paragraphs: [...why, ...untouched],
        next: because?.now ?? 'You can order again at any time.',
        totalLabel: free ? 'Total' : 'Total, not charged',
        isGood: false,
      };
    case 'cancelled':
      return {
        subject: 'is cancelled',
        headline: 'Your order is cancelled',
        paragraphs: [...why, ...untouched],
        next: because?.now ?? 'If you still want the items, order them again.',
        totalLabel: free ? 'Total' : 'Total, not charged',
        isGood: false,
      };
    case 'correction':
      return {
        subject: outcome === 'cancelled' ? 'is cancelled' : 'could not be completed',
        prefix: 'Correction: ',
        headline: outcome === 'cancelled' ? 'Your order is cancelled after all' : 'Your order failed after all',
        paragraphs: [
          'We wrote to you that this order is confirmed. That was wrong, and we are sorry.',
          ...why,
          ...(free ? [] : [`The ${formatMoney(total)} are back in your wallet.`]),
          'Nothing will be delivered.',
        ],
        next: because?.now ?? 'You can order again at any time.',
        totalLabel: free ? 'Total' : 'Total, given back',
        isGood: false,
      };
  }
}
