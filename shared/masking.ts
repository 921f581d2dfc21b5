import { cardNumbersIn } from './card-numbers.ts';

/** What stands where something was taken away. */
export const MASK = '***';

const SECRET_NAME =
  /(token|secret|passw(or)?d|passphrase|authorization|credential|api[-_]?key|private[-_]?key|cookie|session[-_]?id|cvv|cvc|^pan$|card[-_]?number)/i;
const BEARER = /\b(Bearer|Basic)\s+[\w.~+/=-]{8,}/gi;
/** User and password in a URL. */
const USERINFO = /(?<=\b[a-z][a-z0-9+.-]*:\/\/)[^\s/@]+(?=@)/gi;

/** The text without card numbers (ISO/IEC 7812: Luhn), bearer tokens and passwords in URLs. */
export function maskText(text: string): string {
  return withoutCards(text.replaceAll(USERINFO, MASK).replaceAll(BEARER, `$1 ${MASK}`));
}

/** A copy of plain JSON data for people to look at: no card numbers, and nothing under a name that says it is secret. */
export function masked(value: unknown): unknown {
  if (typeof value === 'string') return maskText(value);
  if (typeof value === 'number') return Number.isSafeInteger(value) ? maskedNumber(value) : value;
  if (Array.isArray(value)) return value.map(masked);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [
      maskText(name),
      inner !== null && SECRET_NAME.test(name) ? MASK : masked(inner),
    ]),
  );
}

function withoutCards(text: string): string {
  return cardNumbersIn(text).reduceRight((rest, { start, end }) => rest.slice(0, start) + MASK + rest.slice(end), text);
}

function maskedNumber(value: number): number | string {
  return cardNumbersIn(String(value)).length > 0 ? MASK : value;
}
