import { z } from 'zod';
import { type Money, someMoney } from '#services/money.ts';

const SENTENCE = 'must be whole minor units, at least 1, and a currency, as 5000 EUR';

/** The kind of variable that says how much money somebody is given. */
export function credit(): z.ZodType<Money, string> {
  return z.string().transform((text, context) => {
    const [, amount = '', currency] = /^\s*(\d{1,13})\s+([A-Z]{3})\s*$/.exec(text) ?? [];
    const read = someMoney.safeParse({ amount: Number(amount), currency });
    if (read.success) return read.data;
    context.addIssue({ code: 'custom', message: SENTENCE, params: { shown: true } });
    return z.NEVER;
  });
}
