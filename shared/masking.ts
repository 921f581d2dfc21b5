/** What stands where something was taken away. */
export const MASK = '***';

const SECRET_NAME =
  /(token|secret|passw(or)?d|passphrase|authorization|credential|api[-_]?key|private[-_]?key|cookie|session[-_]?id|cvv|cvc|^pan$|card[-_]?number)/i;
const UUID = '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}';
/** 13 to 19 digits, perhaps in groups, and none right before or after. UUIDs are found first, and left alone. */
const CANDIDATE = new RegExp(`${UUID}|(?<![\\d.])\\d(?:[ -]?\\d){12,18}(?!\\d)`, 'gi');
const BEARER = /\b(Bearer|Basic)\s+[\w.~+/=-]{8,}/gi;
/** User and password in a URL. */
const USERINFO = /(?<=\b[a-z][a-z0-9+.-]*:\/\/)[^\s/@]+(?=@)/gi;

/** The text without card numbers (ISO/IEC 7812: Luhn), bearer tokens and passwords in URLs. */
export function maskText(text: string): string {
  return text
    .replaceAll(USERINFO, MASK)
    .replaceAll(BEARER, `$1 ${MASK}`)
    .replaceAll(CANDIDATE, (found) => (isCardNumber(found) ? MASK : found));
}

/** A copy of plain JSON data for people to look at: no card numbers, and nothing under a name that says it is secret. */
export function masked(value: unknown): unknown {
  if (typeof value === 'string') return maskText(value);
  if (typeof value === 'number') return isCardNumber(String(value)) ? MASK : value;
  if (Array.isArray(value)) return value.map(masked);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [
      maskText(name),
      inner !== null && SECRET_NAME.test(name) ? MASK : masked(inner),
    ]),
  );
}

/** Thirteen digits that begin with 1 are a time in ms (until 2033), not a card: no issuer of such numbers has them. */
function isCardNumber(text: string): boolean {
  const digits = text.replaceAll(/[ -]/g, '');
  if (!/^[0-9]{13,19}$/.test(digits) || /^(0|1[0-9]{12}$)/.test(digits)) return false;
  const sum = Array.from(digits, Number)
    .toReversed()
    .reduce((total, digit, index) => total + (index % 2 === 0 ? digit : digit > 4 ? digit * 2 - 9 : digit * 2), 0);
  return sum % 10 === 0;
}
