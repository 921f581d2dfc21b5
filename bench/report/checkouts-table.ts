import { asRatio, ofGroup, table, titleOf } from './table.ts';
import type { Results } from '#bench/results.ts';
import { median, ratio } from '#bench/statistics.ts';
import { rounded } from '#bench/summary.ts';

/** An order, a checkout with its order, and how many times as much that is. */
export function checkoutsTable(results: Results): string {
  const arms = ofGroup(results, 'checkouts');
  if (arms.length === 0) return 'Not measured yet.';
  return table(
    ['', 'ms of CPU', 'p50 ms', 'approved: p50 ms'],
    arms.flatMap((arm) => {
      const busy = titleOf(arm) === arm.title ? '' : '(busy) ';
      const of = (name: string) => arm.cases.find((one) => one.of === name)?.values ?? {};
      const [orders, checkouts] = [of('an order'), of('a checkout and its order')];
      const times = (name: string): string => asRatio(ratio(checkouts[name] ?? [], orders[name] ?? []));
      return [
        ...arm.cases.map(({ of: name, values }) => [
          `${busy}${name}`,
          ...['cpuMs', 'p50Ms', 'approvedP50Ms'].map((one) =>
            values[one] === undefined ? '' : rounded(median(values[one])),
          ),
        ]),
        [`${busy}times as much`, times('cpuMs'), times('p50Ms'), ''],
      ];
    }),
  );
}
