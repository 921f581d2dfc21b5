import { ofGroup, table, titleOf } from './table.ts';
import type { Results } from '#bench/results.ts';
import { median } from '#bench/statistics.ts';
import { rounded } from '#bench/summary.ts';

/** What a call of a compiled strategy takes, alone and with others, and the first call of a version. */
export function strategiesTable(results: Results): string {
  const arms = ofGroup(results, 'strategies');
  if (arms.length === 0) return 'Not measured yet.';
  const columns = ['perS', 'callUs', 'callP99Us', 'p50Ms', 'p99Ms'] as const;
  return table(
    ['', 'calls/s', 'us a call: p50', 'p99', 'ms: p50', 'p99'],
    arms.flatMap((arm) =>
      arm.cases.map(({ of, values }) => [
        `${titleOf(arm) === arm.title ? '' : '(busy) '}${of}`,
        ...columns.map((name) => (values[name] === undefined ? '' : rounded(median(values[name])))),
      ]),
    ),
  );
}
