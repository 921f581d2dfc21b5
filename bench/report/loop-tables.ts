import { asRatio, notMeasured, ofGroup, table, titleOf } from './table.ts';
import { type ArmResult, type Case, figuresOf, type Results } from '#bench/results.ts';
import { median } from '#bench/statistics.ts';
import { rounded } from '#bench/summary.ts';

const BARE = ['bare', '500 in flight', 'messagesPerS'] as const;

/** The closed loop beside the bare broker. */
export function loopTable(results: Results): string {
  const { ratio } = figuresOf(results);
  const head = ['arm', 'in flight', 'sagas/s', 'deliveries/s', 'of bare', 'p50 ms', 'p99 ms', 'cores'];
  return table(
    head,
    ofGroup(results, 'loop').flatMap((arm) =>
      rowsOf(arm, head.length, (one) => [
        titleOf(arm),
        inFlight(one),
        figure(one, 'sagasPerS'),
        figure(one, 'messagesPerS'),
        arm.name === 'bare' ? '' : asRatio(ratio([arm.name, one.of, 'messagesPerS'], BARE)),
        figure(one, 'p50Ms'),
        figure(one, 'p99Ms'),
        coresOf(one),
      ]),
    ),
  );
}

/** Ours and the others, and how many times theirs ours is. */
export function peersTable(results: Results): string {
  const { ratio } = figuresOf(results);
  const head = ['', 'in flight', 'sagas/s', 'ours with the embedded database is', 'with memory', 'p50 ms', 'cores'];
  const arms = [
    ...results.arms.filter(({ name }) => ['memory', 'embedded'].includes(name)),
    ...ofGroup(results, 'peers'),
  ];
  return table(
    head,
    arms.flatMap((arm) => {
      const times = (own: string, { of }: Case): string =>
        arm.group === 'peers' ? `x ${asRatio(ratio([own, of, 'sagasPerS'], [arm.name, of, 'sagasPerS']))}` : '';
      return rowsOf(arm, head.length, (one) => [
        titleOf(arm),
        inFlight(one),
        figure(one, 'sagasPerS'),
        times('embedded', one),
        times('memory', one),
        figure(one, 'p50Ms'),
        coresOf(one),
      ]);
    }),
  );
}

/** One thing changed, against the first of its group. */
export function variantsTable(results: Results, ...groups: readonly string[]): string {
  const { ratio } = figuresOf(results);
  const head = ['', 'in flight', 'sagas/s', 'of the first', 'p50 ms', 'cores'];
  return table(
    head,
    groups.flatMap((group) => {
      const arms = ofGroup(results, group);
      return arms.flatMap((arm) =>
        rowsOf(arm, head.length, (one) => [
          titleOf(arm),
          inFlight(one),
          figure(one, 'sagasPerS'),
          arm === arms[0] ? '' : asRatio(ratio([arm.name, one.of, 'sagasPerS'], [arms[0]!.name, one.of, 'sagasPerS'])),
          figure(one, 'p50Ms'),
          coresOf(one),
        ]),
      );
    }),
  );
}

function rowsOf(
  arm: ArmResult,
  columns: number,
  row: (one: Case) => readonly string[],
): readonly (readonly string[])[] {
  return arm.cannotRun === undefined ? arm.cases.map(row) : [notMeasured(arm, columns)];
}

function inFlight({ of }: Case): string {
  return of.replace(' in flight', '');
}

function figure({ values }: Case, name: string): string {
  return rounded(median(values[name] ?? []));
}

function coresOf({ values }: Case): string {
  return Object.entries(values)
    .filter(([name]) => name.startsWith('cores.'))
    .map(([name, all]) => `${name.slice('cores.'.length)} ${median(all).toFixed(2)}`)
    .join(', ');
}
