/** Where something is in a text, in UTF-16 units; the end is not part of it. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** Ids made of hexadecimal digits, in which digits may stand in any order. */
const HEX_ID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|(?=[0-9]*[a-f])[0-9a-f]{24,}/gi;
/** Digits in groups, as people write them: with a blank, a dash, a dot or two of these between. */
const GROUPED = /\d+(?:[\s\p{Zs}\p{Pd}._]{1,2}\d+)*/gu;
const MIN_DIGITS = 13;
const MAX_DIGITS = 19;

/**
 * Every card number in the text (ISO/IEC 7812: 13 to 19 digits that pass Luhn's check), also in groups and next to other
 * digits that a separator keeps apart, such as an expiry date. Ids such as UUIDs and hashes are left alone.
 */
export function cardNumbersIn(text: string, isIssued: (digits: string) => boolean = isIssuedByAnyone): readonly Span[] {
  if (!/\d(?:\D{0,2}\d){12}/.test(text)) return [];
  const ids = [...text.matchAll(HEX_ID)].map(({ 0: id, index }) => ({ start: index, end: index + id.length }));
  return [...text.matchAll(GROUPED)]
    .flatMap(({ 0: run, index }) => inGroups(run, index, isIssued))
    .filter((span) => !ids.some((id) => span.start < id.end && id.start < span.end));
}

/** Numbers that the schemes of payment cards give out: not times in ms, µs or ns since 1970, nor dates of this century. */
export function isPaymentCard(digits: string): boolean {
  return /^(?:2(?:20[0-4]|22[1-9]|2[3-9][0-9]|[3-6][0-9]{2}|7[01][0-9]|720)|[3-6]|8[12])/.test(digits);
}

/** Thirteen digits that begin with 1 are a time in ms (until 2033): no issuer of such numbers has them. */
function isIssuedByAnyone(digits: string): boolean {
  return !/^(?:0|1[0-9]{12}$)/.test(digits);
}

/** A number begins with a group and ends with one. */
function inGroups(run: string, offset: number, isIssued: (digits: string) => boolean): readonly Span[] {
  const groups = [...run.matchAll(/\d+/g)];
  const found: Span[] = [];
  for (let first = 0; first < groups.length; first += 1) {
    const start = groups[first]?.index ?? 0;
    if (offset + start < (found.at(-1)?.end ?? 0)) continue;
    let digits = '';
    let end: number | undefined;
    for (const { 0: group, index } of groups.slice(first, first + MAX_DIGITS)) {
      digits += group;
      if (digits.length > MAX_DIGITS) break;
      if (digits.length >= MIN_DIGITS && isIssued(digits) && passesLuhn(digits)) end = index + group.length;
    }
    if (end !== undefined) found.push({ start: offset + start, end: offset + end });
  }
  return found;
}

/** The check digit of ISO/IEC 7812-1, annex B. */
function passesLuhn(digits: string): boolean {
  let sum = 0;
  for (let place = 1; place <= digits.length; place += 1) {
    const digit = Number(digits[digits.length - place]);
    sum += place % 2 === 1 ? digit : digit > 4 ? digit * 2 - 9 : digit * 2;
  }
  return sum % 10 === 0;
}
