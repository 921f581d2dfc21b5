import { ofGroup, table, titleOf } from './table.ts';
import type { Results } from '#bench/results.ts';
import { median, ratio } from '#bench/statistics.ts';
import { rounded } from '#bench/summary.ts';

const GROUP = 'baskets';
const PARTS = ['services', 'pricing', 'broker', 'database', 'load'] as const;
/** Cases of many slow lines are told beside one of them. */
const SLOW = /^(\d+) ((?:lines|scripts) that .*)$/;

/** How many baskets a second, how long one takes, and what each costs. */
export function basketsTable(results: Results): string {
  const arms = ofGroup(results, GROUP);
  if (arms.length === 0) return 'Not measured yet.';
  return table(
    ['', '', 'baskets/s', 'p50 ms', 'p99 ms', 'us of CPU a basket'],
    arms.flatMap((arm) =>
      arm.cases
        .filter(({ of }) => !SLOW.test(of))
        .map(({ of, values }) => [
          titleOf(arm),
          of,
          ...['perS', 'p50Ms', 'p99Ms'].map((name) =>
            values[name] === undefined ? '' : rounded(median(values[name])),
          ),
          PARTS.flatMap((part) => {
            const spent = values[`cpuUs.${part}`];
            return spent === undefined ? [] : [`${part} ${rounded(median(spent))}`];
          }).join(', '),
        ]),
    ),
  );
}

/** What many slow lines take beside one. */
export function slowTable(results: Results): string {
  const arms = ofGroup(results, GROUP);
  const rows = arms.flatMap((arm) => {
    const one = (what: string) => arm.cases.find(({ of }) => of === `1 ${what}`)?.values['p50Ms'] ?? [];
    return arm.cases.flatMap(({ of, values: { p50Ms = [] } }) => {
      const what = SLOW.exec(of)?.[2];
      return what === undefined ? [] : [[titleOf(arm), of, rounded(median(p50Ms)), ratio(p50Ms, one(what)).toFixed(2)]];
    });
  });
  return rows.length === 0 ? 'Not measured yet.' : table(['', '', 'p50 ms', 'times one'], rows);
}
