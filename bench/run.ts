/** `npm run bench`: what this machine does with Switchyard and with others, see `--help` and docs/performance.md. */
import { join } from 'node:path';
import { allArms } from './all-arms.ts';
import { benchCommand, optionsOf } from './options.ts';
import { profile, profileReport } from './profile.ts';
import { writePage } from './report/page.ts';
import { writeResults } from './results-file.ts';
import { summaryOf } from './summary.ts';
import { takeTurns } from './turns.ts';
import { createWorld } from './world.ts';
import { toldBy } from '#local/commands/command-line.ts';
import { privateDir, stackDir } from '#local/stack/addresses.ts';
import { removeTestRun } from '#local/stack/clean-up.ts';
import { lifetime } from '#local/stack/lifetime.ts';

const say = (text: string): void => void process.stdout.write(`${text}\n`);

const { instead, arms, rounds, primaryOnly, save, ...settings } = toldBy(benchCommand, (args) =>
  optionsOf(args, allArms),
);

await lifetime({ signalCode: 130 }, async ({ onStop, fail, finish }) => {
  if (instead === 'report') return finish(0, `written: ${writePage()}`);
  const dir = join(stackDir, `bench-${process.pid}`);
  privateDir(stackDir);
  onStop(() => removeTestRun(dir));
  const world = createWorld({ dir, say, onStop, fail });
  if (instead !== undefined) {
    for (const line of profileReport(await profile(world, instead.profile, settings))) say(line);
    return finish(0, '');
  }
  const results = await takeTurns({ arms, rounds, settings, world, primaryOnly });
  for (const line of summaryOf(results)) say(line);
  const file = await writeResults(world, results, save);
  finish(0, `\nwritten: ${file}${save ? `, ${writePage()}` : ''}`);
});
