import type { SimulationVerdict } from './verdict.ts';

/** So many are named; of more, how many they are. */
const LISTED = 20;

/** What is said of checkouts and baskets that ended otherwise than they have to. */
export const WORDS: readonly (readonly [SimulationVerdict, string])[] = [
  ['wrong', 'must not end so'],
  ['hanging', 'has not ended'],
  ['late', 'was given up or undone because a service took too long'],
];

/** Those of one verdict, a line each; nothing where there are none. */
export function listed<Row>(
  rows: readonly Row[],
  verdict: SimulationVerdict,
  verdictOf: (row: Row) => SimulationVerdict,
  sentence: (row: Row) => string,
): readonly string[] {
  const found = rows.filter((row) => verdictOf(row) === verdict);
  if (found.length === 0) return [];
  const more = found.length > LISTED ? [`  ... and ${found.length - LISTED} more`] : [];
  return ['', `${found.length} ${verdict}:`, ...found.slice(0, LISTED).map((row) => `  ${sentence(row)}`), ...more];
}
