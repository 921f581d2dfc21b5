import type { Environment } from './config.ts';

/** Words that foreign programs begin their variables with as well: of these only a misspelling is noticed. */
const COMMON_WORDS = new Set(['HTTP', 'LOG', 'MAX', 'AUTH', 'TOKEN', 'MAIL', 'HISTORY', 'MESSAGE']);
/** So few letters are a misspelling. */
const MISSPELT = 2;

/** What is set and looks like one of the variables that are `known`, but is none: a sentence for each. Values are never shown. */
export function strangeVariables(environment: Environment, known: readonly string[]): readonly string[] {
  const names = new Set(known.flatMap((name) => [name, `${name}_FILE`]));
  const words = new Set(known.filter((name) => name.includes('_')).map(firstWord));
  return Object.keys(environment)
    .filter((name) => environment[name] !== undefined && !names.has(name) && /^[A-Z][A-Z0-9_]+$/.test(name))
    .flatMap((name) => {
      const [nearest = '', distance = Infinity] =
        known.map((one) => [one, distanceOf(name, one)] as const).toSorted((a, b) => a[1] - b[1])[0] ?? [];
      const isMisspelt = distance <= MISSPELT && distance < name.length / 3;
      const whole = name.includes('_') ? known.find((one) => one.startsWith(`${name}_`)) : undefined;
      if (whole !== undefined) return [`${name} is set, but nothing reads it; ${whole} is a variable`];
      if (!isMisspelt && !(words.has(firstWord(name)) && !COMMON_WORDS.has(firstWord(name)))) return [];
      const meant = distance < name.length / 2 ? `; ${nearest} is a variable` : '';
      return [`${name} is set, but nothing reads it${meant}`];
    });
}

function firstWord(name: string): string {
  return name.split('_', 1)[0] ?? '';
}

/** Levenshtein's: how many letters have to be inserted, removed or changed. */
function distanceOf(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (const [i, letter] of a.split('').entries()) {
    const next = [i + 1];
    for (const [j, other] of b.split('').entries())
      next.push(Math.min(next[j]! + 1, row[j + 1]! + 1, row[j]! + (letter === other ? 0 : 1)));
    row = next;
  }
  return row[b.length]!;
}
