/** `npm run bench`: what this machine does with Switchyard, see `--help` and docs/performance.md. */
import { join } from 'node:path';
import { allArms } from './all-arms.ts';
import { optionsOf, USAGE } from './options.ts';
import { summaryOf } from './summary.ts';
import { takeTurns } from './turns.ts';
import { createWorld } from './world.ts';
import { stackDir } from '#local/addresses.ts';
import { removeTestRun } from '#local/clean-up.ts';
import { lifetime } from '#local/lifetime.ts';

const say = (text: string): void => void process.stdout.write(`${text}\n`);

await lifetime({ signalCode: 130 }, async ({ onStop, fail, finish }) => {
  const { help, arms, rounds, ...settings } = optionsOf(process.argv.slice(2), allArms);
  if (help) return finish(0, USAGE);
  const dir = join(stackDir, `bench-${process.pid}`);
  onStop(() => removeTestRun(dir));
  const world = createWorld({ dir, say, onStop, fail });
  const results = await takeTurns({ arms, rounds, settings, world });
  for (const line of summaryOf(results)) say(line);
  finish(0, '');
});
