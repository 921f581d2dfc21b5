/** Counts of an ava run, from the summary at the end of its default reporter's output. */
export interface Counts {
  readonly passed: number;
  readonly failed: number;
}

const FAILURES = [
  /(\d+) tests? failed/,
  /(\d+) hooks? failed/,
  /(\d+) uncaught exceptions?/,
  /(\d+) unhandled rejections?/,
  /(\d+) tests? remained pending/,
  /(\d+) previous failures? in test files/,
];

const COLOUR = new RegExp(`${String.fromCharCode(27)}\\[[0-9;]*m`, 'g');

/** A run that ended badly without naming a failure (no file matched, a file that could not be loaded, a time-out) counts as one failure. */
export function countResults(output: string, exitCode: number): Counts {
  // oxlint-disable-next-line no-control-regex -- colours
  const lines = output
    .replaceAll(COLOUR, '')
    .split('\n')
    .map((line) => line.trim());
  const summary = lines.slice(lines.lastIndexOf('─') + 1);
  const counted = (pattern: RegExp): number =>
    Math.max(0, ...summary.map((line) => Number(new RegExp(`^${pattern.source}`).exec(line)?.[1] ?? 0)));
  // A file whose process does not end: its tests passed, but something that it started was not stopped.
  const stuck = lines.filter((line) => line.startsWith('Failed to exit when running')).length;
  const failed = stuck + FAILURES.reduce((sum, pattern) => sum + counted(pattern), 0);
  // Ava tells how many passed only when all did.
  const ticked = lines.filter((line) => line.startsWith('✔ ')).length;
  return { passed: counted(/(\d+) tests? passed/) || ticked, failed: failed === 0 && exitCode !== 0 ? 1 : failed };
}
