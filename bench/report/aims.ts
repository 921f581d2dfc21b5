import { asRatio, table } from './table.ts';
import { figuresOf, type Results } from '#bench/results.ts';
import { rounded } from '#bench/summary.ts';

interface Aim {
  readonly aim: string;
  readonly reached: number;
  readonly shown: string;
  readonly most?: number;
  readonly least?: number;
}

const FULL = '500 in flight';
const DURABLE = ['bullmq-always', 'bullmq-everysec', 'restate', 'dbos', 'graphile'] as const;

/** Each aim with what was seen; what was not measured says so. */
export function aimsTable(results: Results): string {
  return table(
    ['aim', 'reached', ''],
    aimsOf(results).map(({ aim, reached, shown, most = Infinity, least = -Infinity }) => [
      aim,
      Number.isFinite(reached) ? shown : 'not measured',
      Number.isFinite(reached) ? (reached <= most && reached >= least ? 'yes' : '**no**') : '',
    ]),
  );
}

function aimsOf(results: Results): readonly Aim[] {
  const { median, ratio } = figuresOf(results);
  const times = (arm: string, other: string, name = 'sagasPerS'): number =>
    ratio([arm, FULL, name], [other, FULL, name]);
  const light = ratio(['light', '50/s', 'p50Ms'], ['light', 'alone', 'p50Ms']);
  const [cores, rest] = [median('light', '50/s', 'cores'), median('light', 'at rest', 'cores')];
  const least = (aim: string, reached: number, bound: number): Aim => ({
    aim,
    reached,
    shown: asRatio(reached),
    least: bound,
  });
  return [
    {
      aim: '`npm start` at 50 orders/s: p50 to the last mail under 3 times that of one order alone',
      reached: light,
      shown: `${asRatio(light)} (${rounded(median('light', '50/s', 'p50Ms'))} ms against ${rounded(median('light', 'alone', 'p50Ms'))} ms)`,
      most: 3,
    },
    { aim: 'there: the stack under half of two cores', reached: cores, shown: `${cores.toFixed(2)} cores`, most: 1 },
    {
      aim: '`npm start` at rest: under 5 % of a core',
      reached: rest,
      shown: `${(rest * 100).toFixed(1)} %`,
      most: 0.05,
    },
    least(
      'embedded database, 500 in flight: at least 0.5 of the bare broker',
      times('embedded', 'bare', 'messagesPerS'),
      0.5,
    ),
    least('memory store, 500 in flight: at least 0.8 of the bare broker', times('memory', 'bare', 'messagesPerS'), 0.8),
    ...DURABLE.map((peer) =>
      least(`embedded database: at least 3 times ${titleFor(results, peer)}`, times('embedded', peer), 3),
    ),
    least('embedded database: at least the loop by hand in memory', times('embedded', 'hand-written'), 1),
    least(
      '100 thousand stored orders: at least 0.9 of the rate at 10 thousand',
      times('growth-100k', 'growth-10k'),
      0.9,
    ),
    least('1 million stored orders: at least 0.9 of the rate at 10 thousand', times('growth-1m', 'growth-10k'), 0.9),
  ];
}

function titleFor({ arms }: Results, name: string): string {
  return arms.find((arm) => arm.name === name)?.title ?? name;
}
