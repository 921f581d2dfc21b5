/** What an ava run came to, from its default reporter's output. */
export interface Counts {
  readonly passed: number;
  readonly failed: number;
}

export interface Skipped {
  readonly title: string;
  readonly reason: string;
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
const TICK = '✔ ';
const CROSS = '✘ [fail]: ';
const SKIP = '- [skip] ';

/** A run that ended badly without naming a failure (no file matched, a file that could not be loaded, a time-out) counts as one failure. */
export function countResults(output: string, exitCode: number): Counts {
  const lines = linesOf(output);
  const summary = lines.slice(lines.lastIndexOf('─') + 1);
  const counted = (pattern: RegExp): number =>
    Math.max(0, ...summary.map((line) => Number(new RegExp(`^${pattern.source}`).exec(line)?.[1] ?? 0)));
  // A file whose process does not end: its tests passed, but something that it started was not stopped.
  const stuck = lines.filter((line) => line.startsWith('Failed to exit when running')).length;
  const summed = stuck + FAILURES.reduce((sum, pattern) => sum + counted(pattern), 0);
  // A run that was ended has no summary.
  const failed = summed || lines.filter((line) => line.startsWith(CROSS)).length;
  // Ava tells how many passed only when all did.
  const ticked = lines.filter((line) => line.startsWith(TICK)).length;
  return { passed: counted(/(\d+) tests? passed/) || ticked, failed: failed === 0 && exitCode !== 0 ? 1 : failed };
}

/** The tests that did not run, each with the reason that its title gives (see `testIf`). */
export function skippedIn(output: string): readonly Skipped[] {
  return linesOf(output)
    .filter((line) => line.startsWith(SKIP))
    .map((line) => {
      const [, title, reason] = /^(.*?)(?: \(skipped: (.*)\))?$/.exec(line.slice(SKIP.length)) ?? [];
      return { title: title ?? '', reason: reason ?? 'no reason given' };
    });
}

/** Files (as ava prefixes its titles) whose tests took longest together, ms; only tests that were not over at once have a time. */
export function slowestIn(output: string, most: number): readonly { readonly file: string; readonly ms: number }[] {
  const took = new Map<string, number>();
  for (const line of linesOf(output)) {
    const [, whole = '', time = ''] =
      /^(?:✔|✘ \[fail\]:) (.*?) \(((?:\d+(?:\.\d+)?(?:ms|s|m|h) ?)+)\)/.exec(line) ?? [];
    if (time === '') continue;
    // The last part is the test's own title; one that has the separator in it makes a file of its own.
    const file = whole.split(' › ').slice(0, -1).join(' › ');
    took.set(file, (took.get(file) ?? 0) + msOf(time));
  }
  return [...took]
    .map(([file, ms]) => ({ file, ms }))
    .toSorted((a, b) => b.ms - a.ms)
    .slice(0, most);
}

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

function msOf(time: string): number {
  return Array.from(time.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)).reduce(
    (sum, [, n, unit]) => sum + Number(n) * UNITS[unit ?? 'ms']!,
    0,
  );
}

function linesOf(output: string): readonly string[] {
  return output
    .replaceAll(COLOUR, '')
    .split('\n')
    .map((line) => line.trim());
}
