import { ofGroup, table, titleOf } from './table.ts';
import type { Results } from '#bench/results.ts';
import { median } from '#bench/statistics.ts';
import { rounded } from '#bench/summary.ts';

/** One SKU that everybody wants, and orders of other SKUs, each alone and together. */
export function stockTable(results: Results): string {
  const arms = ofGroup(results, 'stock');
  if (arms.length === 0) return 'Not measured yet.';
  return table(
    ['', 'reservations/s', 'orders of other SKUs: p50 ms', 'p99 ms'],
    arms.flatMap((arm) =>
      arm.cases.map(({ of, values }) => [
        `${titleOf(arm) === arm.title ? '' : '(busy) '}${of}`,
        ...['perS', 'p50Ms', 'p99Ms'].map((name) => (values[name] === undefined ? '' : rounded(median(values[name])))),
      ]),
    ),
  );
}
