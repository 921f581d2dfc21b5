import { asRatio, ofGroup, table, titleOf } from './table.ts';
import { type Case, figuresOf, type Results } from '#bench/results.ts';
import { median } from '#bench/statistics.ts';
import { rounded } from '#bench/summary.ts';

/** The light load on what `npm start` starts; `processes`: in one process and in one for each service. */
export function lightTable(results: Results, group: 'light' | 'processes'): string {
  const arms = ofGroup(results, group);
  if (arms.length === 0) return 'Not measured yet.';
  const ofArm = ({ title }: (typeof arms)[number]): string => (group === 'light' ? '' : `${title}: `);
  const head = ['', 'orders', 'refused', 'p50 ms', 'p95 ms', 'CPU ms an order', 'cores of the stack', 'most of it'];
  return table(
    head,
    arms.flatMap((arm) =>
      arm.cases.map((one) => [
        `${titleOf(arm) === arm.title ? '' : '(busy) '}${ofArm(arm)}${one.of}`,
        figure(one, 'orders'),
        figure(one, 'refused'),
        figure(one, 'p50Ms'),
        figure(one, 'p95Ms'),
        figure(one, 'cpuMs'),
        (median(one.values['cores'] ?? []) || 0).toFixed(2),
        largestParts(one),
      ]),
    ),
  );
}

const PARTS = 4;

function largestParts({ values }: Case): string {
  return Object.entries(values)
    .filter(([name]) => name.startsWith('cores.'))
    .map(([name, all]) => ({ name: name.slice('cores.'.length), cores: median(all) }))
    .toSorted((a, b) => b.cores - a.cores)
    .slice(0, PARTS)
    .map(({ name, cores }) => `${name} ${cores.toFixed(2)}`)
    .join(', ');
}

export function gateTable(results: Results): string {
  const { median: of } = figuresOf(results);
  const at = (where: string, ...names: readonly string[]): string =>
    names.map((name) => rounded(of('gate', where, name))).join(', ');
  const both = (where: string, name: string): string => at(where, `${name}P50Ms`, `${name}P99Ms`);
  const [moves, loaded] = ['moves', 'moves under load'];
  const busy = ofGroup(results, 'gate').some((arm) => titleOf(arm) !== arm.title) ? ' (busy)' : '';
  return table(
    [`the gate${busy}`, 'result', 'aim'],
    [
      [
        'closed: messages/s through `<route>.in`, straight to `<route>.hash`',
        `${at('closed', 'throughPerS', 'pastPerS')}: **${asRatio(of('gate', 'closed', 'ratio'))}** (quartiles ${asRatio(of('gate', 'closed', 'ratioLow'))}, ${asRatio(of('gate', 'closed', 'ratioHigh'))}); the same arm against itself ${asRatio(of('gate', 'closed', 'ratioOfItself'))}`,
        '0.9',
      ],
      [
        'closed: CPU of the broker a message, through and past, us',
        at('closed', 'throughBrokerUs', 'pastBrokerUs'),
        '',
      ],
      ['transition stored, applied, broadcast: p50, p99 ms', both(moves, 'transition'), ''],
      ['the same under full publishing load', both(loaded, 'transition'), 'p99 under 50'],
      [
        'one bare question to the broker, alone; under load',
        `${both(moves, 'roundTrip')}; ${both(loaded, 'roundTrip')}`,
        '',
      ],
      [
        'three gateways refuse after the decision, alone; under load: p50, p99 ms',
        `${both(moves, 'refused')}; ${both(loaded, 'refused')}`,
        '100',
      ],
      [
        `fresh orders at 50/s, alone; while ${at('redrive', 'perS')} parked messages a second go back: p50, p99 ms`,
        `${both('redrive', 'without')}; ${both('redrive', 'during')}`,
        'p99 x 1.5',
      ],
    ],
  );
}

const WORKERS_AIMS: Readonly<Record<string, string>> = { 2: '1.9', 4: '3.6' };

export function workersTable(results: Results): string {
  const { ratio } = figuresOf(results);
  return table(
    [
      'workers',
      'handled/s',
      'of what their slots allow',
      'times one',
      'aim',
      'cores: workers, load, broker, database, others',
    ],
    ofGroup(results, 'workers').flatMap((arm) =>
      arm.cases.map((one) => [
        `${one.of}${titleOf(arm) === arm.title ? '' : ' (busy)'}`,
        figure(one, 'perS'),
        asRatio(median(one.values['ofSlots'] ?? [])),
        asRatio(ratio(['workers', one.of, 'perS'], ['workers', '1', 'perS'])),
        WORKERS_AIMS[one.of] ?? '',
        ['workers', 'load', 'broker', 'database', 'others']
          .map((part) => (median(one.values[`cores.${part}`] ?? []) || 0).toFixed(2))
          .join(', '),
      ]),
    ),
  );
}

function figure({ values }: Case, name: string): string {
  return rounded(median(values[name] ?? []));
}
