/** `npm run chaos -- --minutes 3 --seed 1 [--rate 5]`: a real stack under load and faults; ends with exit code 1 when an invariant is broken. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { runChaos } from './chaos.ts';
import { stackDir } from '#local/stack/addresses.ts';
import { ownRun } from '#test/support/own-run.ts';

await ownRun(async ({ say, positive }) => {
  const { values } = parseArgs({
    options: {
      minutes: { type: 'string', default: '3' },
      seed: { type: 'string', default: '1' },
      rate: { type: 'string', default: '5' },
    },
  });
  const [minutes, seed, ratePerS] = [positive('minutes', values), positive('seed', values), positive('rate', values)];
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
  return violations.length === 0;
});
