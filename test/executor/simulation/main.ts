/** `npm run simulate:executors`: seeded elections and replication with everything that may go wrong. */
import { simulate, type Outcome } from './simulate.ts';
import { command, wholeOf } from '#local/commands/command.ts';
import { commandLine, commandSpec } from '#local/commands/command-line.ts';
import { systemClock } from '#shared/clock.ts';

const spec = commandSpec({
  call: 'npm run simulate:executors --',
  does: 'Runs three or five executors in one simulated world with kills, freezes, cuts, slow and failing stores and jumping clocks, once for each seed, and checks every invariant.',
  options: {
    seeds: { type: 'string', value: 'N', default: '2000', means: 'how many seeds' },
    from: { type: 'string', value: 'N', default: '1', means: 'the first seed' },
    first: { type: 'boolean', default: false, means: 'stops at the first seed that breaks an invariant' },
  },
  examples: [['--seeds 1 --from 17', 'seed 17 again']],
  exits: '1: an invariant was broken; its seed is named.',
});

await command(async () => {
  const { values } = commandLine(spec);
  const count = wholeOf('--seeds', values.seeds, 1, 10_000_000);
  const from = wholeOf('--from', values.from, 1, 0x7fff_ffff);
  const started = systemClock.now();
  const outcomes: Outcome[] = [];
  for (let seed = from; seed < from + count; seed += 1) {
    const outcome = simulate(seed);
    outcomes.push(outcome);
    if (outcome.violations.length === 0) continue;
    print(`seed ${seed}: FAILED`);
    print(`  ${outcome.settings}`);
    for (const violation of outcome.violations.slice(0, 10)) print(`  ${violation}`);
    if (values.first) break;
  }
  const failed = outcomes.filter(({ violations }) => violations.length > 0);
  const totals: Record<string, number> = {};
  for (const { counts } of outcomes)
    for (const [what, n] of Object.entries(counts)) totals[what] = (totals[what] ?? 0) + n;
  print(`${outcomes.length} seeds in ${((systemClock.now() - started) / 1000).toFixed(1)} s`);
  print(
    Object.entries(totals)
      .map(([what, n]) => `${what} ${n}`)
      .join(', '),
  );
  print(`violations: ${failed.length}`);
  process.exitCode = failed.length === 0 ? 0 : 1;
  await Promise.resolve();
});

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
