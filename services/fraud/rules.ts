import type { Card } from '#services/card-sealing.ts';
import { type Rule, THRESHOLD } from '#services/checkout-rules.ts';
import type { Money } from '#services/money.ts';

/** What is bought. */
export interface Bought {
  readonly pieces: number;
  readonly total?: Money | undefined;
}
export interface Buyer extends Bought {
  readonly user: { readonly name: string; readonly contact: string };
}
export interface Payer extends Bought {
  readonly card: Card;
  /** Epoch ms. */
  readonly now: number;
}

/** Domains that give away addresses for ten minutes. */
const DISPOSABLE = ['mailinator.com', 'guerrillamail.com', '10minutemail.com', 'trashmail.com', 'yopmail.com'];
const LISTED_NAMES = ['mallory malicious', 'fraud fraudster'];
/** Numbers by which the simulated schemes mean a stolen or a blocked card. */
const LISTED_CARDS = ['4000000000009979', '4100000000000019', '5555555555554477'];
const MANY_PIECES = 1000;
/** Minor units. */
const LARGE_TOTAL = 1_000_000;
const LARGE_FOR_A_CARD = 500_000;

const digitsOf = ({ number }: Card): string => number.replaceAll(/\D/g, '');
const totalOf = ({ total }: Bought): number => total?.amount ?? 0;
const monthOf = (now: number): string => {
  const [year = '', month = ''] = new Date(now).toISOString().split('-');
  return `${month}/${year.slice(2)}`;
};

export const buyerRules: readonly Rule<Buyer>[] = [
  {
    event: 'D',
    code: 'contact_disposable',
    weight: THRESHOLD,
    title: 'The e-mail address is a disposable one',
    words: `Its domain is one of ${DISPOSABLE.join(', ')}.`,
    pointer: '/user/contact',
    applies: ({ user }) => DISPOSABLE.includes(user.contact.toLowerCase().split('@').at(-1)?.trim() ?? ''),
  },
  {
    event: 'D',
    code: 'name_listed',
    weight: THRESHOLD,
    title: 'The name is on the list of known fraudsters',
    words: `The name is one of ${LISTED_NAMES.join(', ')}, however it is written.`,
    pointer: '/user/name',
    applies: ({ user }) => LISTED_NAMES.includes(user.name.trim().replaceAll(/\s+/g, ' ').toLowerCase()),
  },
  {
    event: 'D',
    code: 'name_without_letters',
    weight: 60,
    title: 'The name has no letter',
    words: 'There is no letter of any script in the name.',
    pointer: '/user/name',
    applies: ({ user }) => !/\p{L}/u.test(user.name),
  },
  {
    event: 'D',
    code: 'many_pieces',
    weight: 60,
    title: 'Very many pieces are bought at once',
    words: `More than ${MANY_PIECES} pieces altogether.`,
    pointer: '/items',
    applies: ({ pieces }) => pieces > MANY_PIECES,
  },
  {
    event: 'D',
    code: 'large_total',
    weight: 50,
    title: 'The total is very large',
    words: `More than ${LARGE_TOTAL} minor units of its currency.`,
    pointer: '/items',
    applies: (buyer) => totalOf(buyer) > LARGE_TOTAL,
  },
];

export const payerRules: readonly Rule<Payer>[] = [
  {
    event: 'E',
    code: 'card_listed',
    weight: THRESHOLD,
    title: 'The card was reported as stolen',
    // Without the numbers: words are part of a rejection, which is kept.
    words: 'Its number is on the list of stolen and blocked cards; they end in 9979, 0019 and 4477.',
    pointer: '/creditCard/number',
    applies: ({ card }) => LISTED_CARDS.includes(digitsOf(card)),
  },
  {
    event: 'E',
    code: 'card_one_digit',
    weight: THRESHOLD,
    title: 'The card number is one digit repeated',
    words: 'All digits of its number are the same.',
    pointer: '/creditCard/number',
    applies: ({ card }) => new Set(digitsOf(card)).size === 1,
  },
  {
    event: 'E',
    code: 'cvv_one_digit',
    weight: 50,
    title: 'The security code is zeros',
    words: 'The security code is 000 or 0000.',
    pointer: '/creditCard/cvv',
    applies: ({ card }) => /^0+$/.test(card.cvv),
  },
  {
    event: 'E',
    code: 'expires_this_month',
    weight: 30,
    title: 'The card expires this month',
    words: 'The month of its expiry date is the present one (UTC).',
    pointer: '/creditCard/expirationDate',
    applies: ({ card, now }) => card.expirationDate === monthOf(now),
  },
  {
    event: 'E',
    code: 'large_for_a_card',
    weight: 50,
    title: 'The total is large for a card',
    words: `More than ${LARGE_FOR_A_CARD} minor units of its currency.`,
    pointer: '/items',
    applies: (payer) => totalOf(payer) > LARGE_FOR_A_CARD,
  },
];

export const fraudRuleList: readonly Rule<never>[] = [...buyerRules, ...payerRules];
