import { z } from 'zod';
import { named, shape } from '#shared/web/shapes.ts';

/** ISO 4217 codes that are accepted, with the number of minor units of each (ISO 4217 table A.1). */
const currencies = {
  AUD: 2,
  BRL: 2,
  CAD: 2,
  CHF: 2,
  CNY: 2,
  CZK: 2,
  DKK: 2,
  EUR: 2,
  GBP: 2,
  HKD: 2,
  HUF: 2,
  ILS: 2,
  INR: 2,
  ISK: 0,
  JPY: 0,
  KRW: 0,
  KWD: 3,
  MXN: 2,
  NOK: 2,
  NZD: 2,
  PLN: 2,
  RON: 2,
  SEK: 2,
  SGD: 2,
  THB: 2,
  TRY: 2,
  UAH: 2,
  USD: 2,
  ZAR: 2,
} as const;
export type Currency = keyof typeof currencies;

/** The largest amount accepted for a price or a total, in minor units: sums of a wallet stay far below 2^53. */
export const MAX_AMOUNT_MINOR = 1_000_000_000_000;

export const currency = z.enum(Object.keys(currencies) as [Currency, ...Currency[]]);

/** Integer minor units and a currency: `{"amount": 1299, "currency": "EUR"}` is EUR 12.99. Never negative. Tolerant, as it is on the bus. */
export const money = z.object({
  amount: z.int().min(0).max(MAX_AMOUNT_MINOR).describe('Whole minor units: 1299 in EUR is 12.99 EUR.'),
  currency: currency.describe('ISO 4217.'),
});
/** Money that moves. */
export const someMoney = money.extend({ amount: money.shape.amount.min(1).describe('Whole minor units, at least 1.') });
export type Money = z.infer<typeof money>;

/** What the HTTP doors take, they take exactly; on the bus readers are tolerant. */
export const exactMoney = named(
  'Money',
  z.strictObject(money.shape).meta({ examples: [{ amount: 1299, currency: 'EUR' }] }),
);

/** What somebody has; never negative. */
export const balance = shape({
  amount: z.int().min(0).describe('Whole minor units.'),
  currency: currency.describe('ISO 4217.'),
});
export type Balance = z.infer<typeof balance>;

/** EUR 1299 as `12.99 EUR`; exact, because no fraction is ever computed. */
export function formatMoney({ amount, currency: code }: Money): string {
  const digits = currencies[code];
  const text = String(amount).padStart(digits + 1, '0');
  return digits === 0 ? `${text} ${code}` : `${text.slice(0, -digits)}.${text.slice(-digits)} ${code}`;
}
