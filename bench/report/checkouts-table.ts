import { asRatio, ofGroup, table, titleOf } from './table.ts';
import type { Results } from '#bench/results.ts';
import { median, ratio } from '#bench/statistics.ts';
import { rounded } from '#bench/summary.ts';

type Seen = Readonly<Record<string, readonly number[]>>;
const [ORDER, CHECKOUT] = ['an order', 'a checkout and its order'];

/** An order, a checkout with its order, and how many times as much that is, at each load. */
export function checkoutsTable(results: Results): string {
  const arms = ofGroup(results, 'checkouts');
  if (arms.length === 0) return 'Not measured yet.';
  return table(
    ['', 'ms of CPU', 'messages', 'p50 ms', 'approved: p50 ms'],
    arms.flatMap((arm) => {
      const busy = titleOf(arm) === arm.title ? '' : '(busy) ';
      const of = (name: string) => arm.cases.find((one) => one.of === name)?.values ?? {};
      const shown = ({ of: name, values }: { readonly of: string; readonly values: Seen }) => [
        `${busy}${name}`,
        ...['cpuMs', 'messages', 'p50Ms', 'approvedP50Ms'].map((one) =>
          values[one] === undefined ? '' : rounded(median(values[one])),
        ),
      ];
      // `a checkout and its order, 50/s` beside `an order, 50/s`.
      const loads = arm.cases.flatMap(({ of: name }) => (name.startsWith(ORDER) ? [name.slice(ORDER.length)] : []));
      return loads.flatMap((load) => {
        const [orders, checkouts] = [of(`${ORDER}${load}`), of(`${CHECKOUT}${load}`)];
        const times = (name: string): string => asRatio(ratio(checkouts[name] ?? [], orders[name] ?? []));
        return [
          shown({ of: `${ORDER}${load}`, values: orders }),
          shown({ of: `${CHECKOUT}${load}`, values: checkouts }),
          [`${busy}times as much${load}`, times('cpuMs'), times('messages'), times('p50Ms'), ''],
        ];
      });
    }),
  );
}
