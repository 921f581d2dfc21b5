// One rule of the package alone; as a CommonJS module it has it as `default`.
import luhn from 'validator/lib/isLuhnNumber.js';
import type { user, billingAddress } from './contract.ts';
import type { Card } from '#services/card-sealing.ts';
import { type Rule, THRESHOLD } from '#services/checkout-rules.ts';
import { isEmailAddress } from '#services/email-address.ts';
import type { Letter } from '#services/checkout-flow.ts';
import type { z } from 'zod';

export interface Basket {
  readonly items: readonly { readonly sku: string; readonly quantity: number }[];
}
export interface Filled {
  readonly user: Readonly<z.infer<typeof user>>;
  readonly billingAddress: Readonly<z.infer<typeof billingAddress>>;
  readonly termsAccepted: boolean;
}
export interface CardAt {
  readonly card: Card;
  /** Epoch ms. */
  readonly now: number;
}

/** Each of them rejects alone. */
function must<Subject>(
  event: Letter,
  code: string,
  pointer: string,
  [title, words]: readonly [string, string],
  applies: (subject: Subject) => boolean,
): Rule<Subject> {
  return { event, code, weight: THRESHOLD, title, words, pointer, applies };
}

export const basketRules: readonly Rule<Basket>[] = [
  must(
    'A',
    'items_empty',
    '/items',
    ['The basket is empty', 'At least one item is needed.'],
    ({ items }) => items.length === 0,
  ),
];

const isBlank = (text: string): boolean => text.trim() === '';
const needed = (code: string, pointer: string, what: string, of: (filled: Filled) => string): Rule<Filled> =>
  must('B', code, pointer, [`${what} is missing`, `${what} must be filled in.`], (filled) => isBlank(of(filled)));

export const userRules: readonly Rule<Filled>[] = [
  needed('name_missing', '/user/name', 'The name', ({ user }) => user.name),
  needed('contact_missing', '/user/contact', 'The e-mail address', ({ user }) => user.contact),
  must(
    'B',
    'contact_invalid',
    '/user/contact',
    ['The e-mail address is not one', 'Mails about the order go there: name@example.org.'],
    ({ user }) => !isBlank(user.contact) && !isEmailAddress(user.contact),
  ),
  needed('street_missing', '/billingAddress/street', 'The street', ({ billingAddress }) => billingAddress.street),
  needed('city_missing', '/billingAddress/city', 'The city', ({ billingAddress }) => billingAddress.city),
  needed('state_missing', '/billingAddress/state', 'The state', ({ billingAddress }) => billingAddress.state),
  needed('zip_missing', '/billingAddress/zip', 'The postal code', ({ billingAddress }) => billingAddress.zip),
  needed('country_missing', '/billingAddress/country', 'The country', ({ billingAddress }) => billingAddress.country),
  must(
    'B',
    'terms_not_accepted',
    '/termsAccepted',
    ['The terms are not accepted', 'The terms must be accepted.'],
    ({ termsAccepted }) => !termsAccepted,
  ),
];

/** 13 to 19 digits, a blank or a dash between them where people write one. */
const NUMBER = /^\d(?:[ -]?\d){12,18}$/;
const EXPIRY = /^(?<month>0[1-9]|1[0-2])\/(?<year>\d{2})$/;

export const cardRules: readonly Rule<CardAt>[] = [
  must(
    'C',
    'card_number_digits',
    '/creditCard/number',
    ['This is not the number of a card', 'A card number has 13 to 19 digits; blanks or dashes may stand between them.'],
    ({ card }) => !NUMBER.test(card.number),
  ),
  must(
    'C',
    'card_number_check_digit',
    '/creditCard/number',
    ['The card number is mistyped', 'The last digit of the number does not fit the others (Luhn).'],
    ({ card }) => NUMBER.test(card.number) && !luhn.default(card.number),
  ),
  must(
    'C',
    'card_expiry_format',
    '/creditCard/expirationDate',
    ['The expiry date is not one', 'It is written MM/YY, with a month of 01 to 12.'],
    ({ card }) => !EXPIRY.test(card.expirationDate),
  ),
  must(
    'C',
    'card_expired',
    '/creditCard/expirationDate',
    ['The card has expired', 'A card is good until the end of the month that it names.'],
    ({ card, now }) => (endOf(card.expirationDate) ?? now) < now,
  ),
  must(
    'C',
    'card_cvv_format',
    '/creditCard/cvv',
    ['The security code is not one', 'It has three or four digits.'],
    ({ card }) => !/^\d{3,4}$/.test(card.cvv),
  ),
];

/** Epoch ms at which the month of MM/YY has ended everywhere (UTC-12); `undefined`: it is no such date. */
export function endOf(expirationDate: string): number | undefined {
  const { month, year } = EXPIRY.exec(expirationDate)?.groups ?? {};
  return month === undefined ? undefined : Date.UTC(2000 + Number(year), Number(month)) + 12 * 3_600_000;
}

export const verificationRuleList: readonly Rule<never>[] = [...basketRules, ...userRules, ...cardRules];
