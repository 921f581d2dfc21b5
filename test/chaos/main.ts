/** `npm run chaos`: a real stack under load and faults; ends with exit code 1 when an invariant is broken. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runChaos } from './chaos.ts';
import { commandLine, commandSpec } from '#local/commands/command-line.ts';
import { stackDir } from '#local/stack/addresses.ts';
import { ownRun } from '#test/support/own-run.ts';

const spec = commandSpec({
  call: 'npm run chaos --',
  does: 'Kills, stops and cuts off parts of a stack of its own under load, and checks every invariant afterwards.',
  options: {
    minutes: { type: 'string', value: 'N', default: '3', means: 'how long there are faults' },
    seed: { type: 'string', value: 'N', default: '1', means: 'the same seed makes the same faults' },
    rate: {
      type: 'string',
      value: 'N',
      default: '5',
      means:
        'orders a second; a tenth as many checkouts beside them until the last fault is healed, and some more with each fault',
    },
  },
  examples: [['--minutes 10 --seed 4', 'a longer run with other faults']],
  exits: '1: an invariant is broken; what everybody wrote is in a file then.',
});
const { values } = commandLine(spec);

await ownRun(async ({ say, positive }) => {
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
