/** `npm run simulate:faults`: seeded runs of all services with everything that may go wrong. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { ORDERS, simulate, type SeedOutcome } from './simulate.ts';
import { command, wholeOf } from '#local/commands/command.ts';
import { commandLine, commandSpec } from '#local/commands/command-line.ts';
import { stackDir } from '#local/stack/addresses.ts';
import { systemClock } from '#shared/clock.ts';

interface Share {
  readonly seeds: readonly number[];
  readonly orders: number;
  /** Whether errors say where they were thrown: thousands are thrown on purpose. */
  readonly traced: boolean;
}

const spec = commandSpec({
  call: 'npm run simulate:faults --',
  does: 'Runs all services in one simulated world with everything that may go wrong, once for each seed, and checks every invariant.',
  options: {
    seeds: { type: 'string', value: 'N', default: '200', means: 'how many seeds' },
    from: { type: 'string', value: 'N', default: '1', means: 'the first seed' },
    orders: { type: 'string', value: 'N', default: String(ORDERS), means: 'orders in each' },
    history: {
      type: 'boolean',
      default: false,
      means: 'writes what happened in every seed to .switchyard/simulation/',
    },
    first: { type: 'boolean', default: false, means: 'stops at the first seed that breaks an invariant' },
  },
  examples: [
    ['--seeds 2000', 'a thorough run'],
    ['--seeds 1 --from 17 --history', 'seed 17 again, with all that happened in it'],
  ],
  exits: '1: an invariant was broken; its seed and history are named.',
});

if (isMainThread) await command(main);
else await work(workerData as Share);

async function work({ seeds, orders, traced }: Share): Promise<void> {
  if (!traced) Error.stackTraceLimit = 0;
  for (const seed of seeds) parentPort?.postMessage(await simulate(seed, orders));
}

async function main(): Promise<void> {
  const { values } = commandLine(spec);
  const [count, from, orders] = [
    wholeOf('--seeds', values.seeds, 1, 10_000_000),
    wholeOf('--from', values.from, 1, 0x7fff_ffff),
    wholeOf('--orders', values.orders, 1, 100_000),
  ];
  const started = systemClock.now();
  const outcomes: SeedOutcome[] = [];
  const threads = Math.min(availableParallelism(), count);
  const stopping = new AbortController();
  await Promise.all(
    Array.from({ length: threads }, (_, thread) => {
      const seeds = Array.from({ length: count }, (__, n) => from + n).filter((__, n) => n % threads === thread);
      return share({ seeds, orders, traced: values.history }, stopping, (outcome) => {
        outcomes.push(outcome);
        if (outcome.violations.length > 0 || values.history) report(outcome, orders);
        return outcome.violations.length > 0 && values.first;
      });
    }),
  );
  const failed = outcomes.filter(({ violations }) => violations.length > 0);
  print(summary(outcomes, systemClock.now() - started));
  process.exitCode = failed.length === 0 && outcomes.length === count ? 0 : 1;
}

/** One thread's share; ends early when `onOutcome` of any thread says so. */
function share(data: Share, stopping: AbortController, onOutcome: (outcome: SeedOutcome) => boolean): Promise<void> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL(import.meta.url), { workerData: data });
    worker.on('message', (outcome: SeedOutcome) => {
      if (stopping.signal.aborted) return;
      if (onOutcome(outcome)) stopping.abort();
    });
    stopping.signal.addEventListener('abort', () => void worker.terminate());
    worker.once('error', reject);
    worker.once('exit', () => resolve());
  });
}

/** Where a failing seed leaves what it did, and how it is done again. */
function report({ seed, settings, violations, history, fingerprint }: SeedOutcome, orders: number): void {
  const dir = join(stackDir, 'simulation');
  mkdirSync(dir, { recursive: true });
  const file = join(dir, `seed-${seed}.history`);
  writeFileSync(file, history.join('\n'));
  print(
    `seed ${seed}: ${violations.length === 0 ? 'every invariant holds' : 'FAILED'} (history ${fingerprint.slice(0, 16)}, in ${file})`,
  );
  print(`  ${settings}`);
  for (const violation of violations.slice(0, 20)) print(`  ${violation}`);
  if (violations.length > 0)
    print(
      `  again: npm run simulate:faults -- --seeds 1 --from ${seed}${orders === ORDERS ? '' : ` --orders ${orders}`} --history`,
    );
}

function summary(outcomes: readonly SeedOutcome[], tookMs: number): string {
  const failed = outcomes.filter(({ violations }) => violations.length > 0).map(({ seed }) => seed);
  const sum = (of: (outcome: SeedOutcome) => ReadonlyMap<string, number>): string => {
    const totals = new Map<string, number>();
    for (const outcome of outcomes) for (const [what, n] of of(outcome)) totals.set(what, (totals.get(what) ?? 0) + n);
    return [...totals]
      .toSorted(([a], [b]) => a.localeCompare(b, 'en'))
      .map(([what, n]) => `${what} ${n}`)
      .join(', ');
  };
  const orders = outcomes.reduce((total, outcome) => total + outcome.orders, 0);
  const virtualS = outcomes.reduce((total, { virtualMs }) => total + virtualMs, 0) / 1000;
  return [
    `${outcomes.length} seeds in ${(tookMs / 1000).toFixed(1)} s (${(virtualS / 3600).toFixed(1)} h of virtual time): ${orders} orders accepted`,
    `ended: ${sum(({ counts }) => counts)}`,
    `faults: ${sum(({ faults }) => faults)}`,
    failed.length === 0
      ? 'violations: 0'
      : `violations in ${failed.length} seeds: ${failed.toSorted((a, b) => a - b).join(', ')}`,
  ].join('\n');
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
