/** `npm run chaos -- --minutes 3 --seed 1 [--rate 5]`: a real stack under load and faults; ends with exit code 1 when an invariant is broken. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { runChaos } from './chaos.ts';
import { stackDir } from '#local/addresses.ts';
import { removeDeadTestRuns, removeTestRun } from '#local/clean-up.ts';
import { lifetime } from '#local/lifetime.ts';
import { tryLock } from '#local/lock.ts';
import { Trouble } from '#local/trouble.ts';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '3' },
    seed: { type: 'string', default: '1' },
    rate: { type: 'string', default: '5' },
  },
});
const say = (text: string): void => void process.stdout.write(`${text}\n`);

function positive(name: keyof typeof values): number {
  const value = Number(values[name]);
  if (value > 0 && Number.isFinite(value)) return value;
  throw new Trouble(`--${name} must be a number above 0, not ${values[name]}`);
}

await lifetime({ signalCode: 130 }, async ({ onStop, finish }) => {
  const [minutes, seed, ratePerS] = [positive('minutes'), positive('seed'), positive('rate')];
  await removeDeadTestRuns(stackDir);
  const dir = join(stackDir, `test-${process.pid}`);
  mkdirSync(dir, { recursive: true });
  tryLock(join(dir, 'lock'));
  onStop(() => removeTestRun(dir));
  process.env['SWITCHYARD_TEST_DIR'] = dir;
  say(`seed ${seed}, ${minutes} minutes, ${ratePerS} orders a second`);
  const { violations, counts, faults, pairs, logs } = await runChaos({ seed, forMs: minutes * 60_000, ratePerS, say });
  const listed = (of: ReadonlyMap<string, number>): string => [...of].map(([what, n]) => `${what} ${n}`).join(', ');
  say(`faults: ${listed(faults)}; ${pairs} times two at once`);
  say(`ended: ${listed(counts)}`);
  for (const violation of violations.slice(0, 50)) say(`  ${violation}`);
  say(`violations: ${violations.length}`);
  if (violations.length > 0) {
    const file = join(stackDir, `chaos-seed-${seed}.log`);
    writeFileSync(file, logs.join('\n'));
    say(`what everybody wrote: ${file}`);
    say(`again: npm run chaos -- --minutes ${minutes} --seed ${seed} --rate ${ratePerS}`);
  }
  finish(violations.length === 0 ? 0 : 1, '');
});
