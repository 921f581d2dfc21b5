/** Pure: what a run makes of its figures. */

/** The value below which a share `q` of them lies; of none NaN. */
export function quantile(values: readonly number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? Number.NaN;
}

/** Of an even number of values the mean of the two in the middle; of none NaN. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  if (!Number.isInteger(middle)) return sorted[Math.floor(middle)]!;
  return sorted.length === 0 ? Number.NaN : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/**
 * The median of what two arms that took turns make of each other round by round: what slows the whole machine for a while
 * is in both of a pair. Rounds that one of them lacks do not count.
 */
export function ratio(these: readonly number[], of: readonly number[]): number {
  const rounds = Math.min(these.length, of.length);
  return median(Array.from({ length: rounds }, (_, round) => these[round]! / of[round]!));
}
