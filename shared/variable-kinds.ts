/** The kinds of variables: each says in a sentence what it must be. What follows `is` is added by `readConfig`. */
import { z } from 'zod';

const NUMBER = /^[+-]?\d+(\.\d+)?(e\+?\d+)?$/i;
const FURTHER_HOSTS = /(?<=^mongodb:\/\/[^,/?]*),[^/?]*/;
const FRACTION = /^(\d{1,9})\/([1-9]\d{0,8})$/;

/** A share of something, from 0 to 1. */
export interface Fraction {
  readonly numerator: number;
  readonly denominator: number;
}

type Schema<Value> = z.ZodType<Value, string>;

export function wholeNumber(from: number, to?: number): Schema<number> {
  return numberThat(`must be a whole number ${rangeOf(from, to)}`, (one) => Number.isSafeInteger(one), from, to);
}

export function anyNumber(from: number, to?: number): Schema<number> {
  return numberThat(`must be a number ${rangeOf(from, to)}`, (one) => Number.isFinite(one), from, to);
}

/** `meaning` is that of the one number below `from` that is allowed too. */
export function anyNumberOr(special: number, meaning: string, from: number): Schema<number> {
  return numberThat(
    `must be ${special} (${meaning}) or a number ${rangeOf(from, undefined)}`,
    (one) => one === special || (Number.isFinite(one) && one >= from),
    special,
  );
}

export function oneOf<const Word extends string>(words: readonly Word[]): Schema<Word> {
  const [last, ...others] = words.toReversed();
  const sentence = others.length === 0 ? `must be ${last}` : `must be ${others.toReversed().join(', ')} or ${last}`;
  return shown(sentence, (text) => words.find((word) => word === text));
}

/** `1/10` is every tenth. */
export function fraction(): Schema<Fraction> {
  return shown('must be a fraction from 0/1 to 1/1, as 1/10', (text) => {
    const [, numerator = 0, denominator = 0] = (FRACTION.exec(text.trim()) ?? []).map(Number);
    return denominator > 0 && numerator <= denominator ? { numerator, denominator } : undefined;
  });
}

/** Of a database it may name several hosts, separated by commas. It may hold a password: what it is, is never told. */
export function address(...protocols: readonly string[]) {
  const begins = protocols.map((protocol) => `${protocol}://`).join(' or ');
  const isOne = (text: string): boolean => {
    const url = URL.parse(text) ?? URL.parse(text.replace(FURTHER_HOSTS, ''));
    return url !== null && protocols.some((protocol) => text.startsWith(`${protocol}://`));
  };
  return z.string().refine(isOne, `must be an address that begins with ${begins}`);
}

function numberThat(sentence: string, isOne: (value: number) => boolean, from: number, to = Infinity): Schema<number> {
  return shown(sentence, (text) => {
    const value = NUMBER.test(text.trim()) ? Number(text) : Number.NaN;
    return isOne(value) && value >= from && value <= to ? value : undefined;
  });
}

function rangeOf(from: number, to: number | undefined): string {
  return to === undefined ? `of ${from} or more` : `from ${from} to ${to}`;
}

function shown<Value>(sentence: string, read: (text: string) => Value | undefined): Schema<Value> {
  return z.string().transform((text, context) => {
    const value = read(text);
    if (value !== undefined) return value;
    context.addIssue({ code: 'custom', message: sentence, params: { shown: true } });
    return z.NEVER;
  });
}
