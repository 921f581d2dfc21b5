import { runLoop, type LoopRun } from './arms.ts';
import type { Arm } from '#bench/arm.ts';

/** How many customers order at the same time: the wallet of each is a key whose messages wait for each other. */
const HOT = [1, 10, 100, 1000, 10_000] as const;
const PARTITIONS = [4, 8] as const;

interface Variant extends LoopRun {
  readonly title: string;
  readonly group: string;
}

const variants: readonly Variant[] = [
  ...HOT.map((customers): Variant => ({
    name: `hot-${customers}`,
    title: `${customers.toLocaleString('en')} wallets, embedded database`,
    group: 'hot',
    processes: 'one',
    store: 'embedded',
    task: { customers },
  })),
  ...PARTITIONS.map((partitions): Variant => ({
    name: `partitions-${partitions}`,
    title: `${partitions} partitions a route, memory store`,
    group: 'partitions',
    processes: 'one',
    store: 'memory',
    partitions,
  })),
  ...[false, true].map((metrics): Variant => ({
    name: `metrics-${metrics ? 'on' : 'off'}`,
    title: `${metrics ? 'with' : 'without'} the metrics of a service, memory store`,
    group: 'metrics',
    processes: 'one',
    store: 'memory',
    metrics,
  })),
];

/** The closed loop with one thing changed, at the largest number of orders in flight. */
export const variantArms: readonly Arm[] = variants.map(({ title, group, ...run }): Arm => ({
  name: run.name,
  title,
  group,
  secondary: true,
  run: (turn) => runLoop(turn, { ...run, task: { ...run.task, inFlight: [Math.max(...turn.settings.inFlight)] } }),
}));
