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
const BASKETS_PER_S = 2000;
/** Sixteen one after another would take sixteen times as long. */
const AS_THE_SLOWEST = 1.5;
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
    ...basketAims(results),
  ];
}

/** The best of the cases counts: how many are on their way at once is the load's choice. */
function basketAims(results: Results): readonly Aim[] {
  const { median, ratio } = figuresOf(results);
  const perS = (aim: string, arm: string): Aim => {
    const all = ['64 in flight', '256 in flight'].map((of) => median(arm, of, 'perS'));
    const reached = Math.max(...all.filter(Number.isFinite));
    return { aim, reached, shown: `${rounded(reached)}/s`, least: BASKETS_PER_S };
  };
  const ms = (aim: string, of: string, most: number): Aim => {
    const reached = median('baskets-http', of, 'p50Ms');
    return { aim, reached, shown: `${rounded(reached)} ms`, most };
  };
  const slow = (aim: string, arm: string, what: string): Aim => {
    const reached = ratio([arm, `16 ${what}`, 'p50Ms'], [arm, `1 ${what}`, 'p50Ms']);
    return { aim, reached, shown: `${asRatio(reached)} times one`, most: AS_THE_SLOWEST };
  };
  const call = (aim: string, of: string): Aim => {
    const reached = median('strategies', of, 'callUs');
    return { aim, reached, shown: `${rounded(reached)} us`, most: 20 };
  };
  return [
    perS('one-shot baskets of five items over the broker, one process: 2,000/s', 'baskets-one'),
    perS('the same over HTTP, `npm start`', 'baskets-http'),
    ms('a basket of 10,000 items of 3 products over HTTP: under 50 ms', '10,000 items', 50),
    ms('ten of them at once: under 1 s', '10 of 10,000 items at once', 1000),
    slow('a basket of 16 lines that wait takes as long as one of one', 'baskets-one', 'lines that wait'),
    call('a call of a compiled strategy in its engine, one by one: under 20 us', 'in its engine, without a thread'),
    call('a call with the way to its thread and back, among 100: under 20 us', '100 at once'),
    call('the same alone: under 20 us', '1 at once'),
    ...['', ', 50/s'].map((load): Aim => {
      const reached = ratio(
        ['checkouts', `a checkout and its order${load}`, 'cpuMs'],
        ['checkouts', `an order${load}`, 'cpuMs'],
      );
      const which = load === '' ? '50 in flight' : '50 a second';
      return {
        aim: `a checkout and its order, ${which}: at most 2 times the CPU of an order`,
        reached,
        shown: asRatio(reached),
        most: 2,
      };
    }),
  ];
}

function titleFor({ arms }: Results, name: string): string {
  return arms.find((arm) => arm.name === name)?.title ?? name;
}
