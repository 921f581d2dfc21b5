/** Characters of a name that count for its place in the list, and of what is searched for. */
const MAX_CHARACTERS = 100;
/** Stands before the SKU, below everything that a name has. */
const BETWEEN = '\u0001';
const BEYOND = '\u{10ffff}';

/** Marks over and under letters, which people leave out; not those that make another letter, as in Japanese and Indic scripts. */
const ACCENTS =
  /[[\p{M}&&[\p{Script=Inherited}\p{Script=Hebrew}\p{Script=Arabic}\p{Script=Cyrillic}]]--[\u3099\u309a]]/gv;
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Noncharacter_Code_Point}]/gu;

/** A name without case, accents, width and needless spaces: `Crème Brûlée` and `CREME  BRULEE` are the same. */
export function nameKey(name: string): string {
  const folded = bare(bare(name).toUpperCase().toLowerCase()).replaceAll('ς', 'σ');
  const spaced = folded.replaceAll(/\s+/gu, ' ').replaceAll(INVISIBLE, '').trim();
  return Array.from(spaced).slice(0, MAX_CHARACTERS).join('');
}

function bare(text: string): string {
  return text.normalize('NFKD').replaceAll(ACCENTS, '');
}

/** Where a product stands in a list by name: unique, because its SKU is part of it. */
export function listKeyOf(name: string, sku: string): string {
  return `${nameKey(name)}${BETWEEN}${sku}`;
}

/** The list keys of names that begin like this; without a text, of all. */
export function listKeysOf(prefix: string): { readonly $gte: string; readonly $lt: string } {
  const key = nameKey(prefix);
  return { $gte: key, $lt: `${key}${BEYOND}` };
}
