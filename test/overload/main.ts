/** `npm run overload -- [--seconds 60] [--times 3] [--seed 1]`: more orders than the stack can work off. Exit code 1 when an order is lost or does not end. */
import { parseArgs } from 'node:util';
import { overload } from './overload.ts';
import { ownRun } from '#test/support/own-run.ts';

await ownRun(async ({ say, positive }) => {
  const { values } = parseArgs({
    options: {
      seconds: { type: 'string', default: '60' },
      times: { type: 'string', default: '3' },
      seed: { type: 'string', default: '1' },
    },
  });
  const [seconds, times, seed] = [positive('seconds', values), positive('times', values), positive('seed', values)];
  const report = await overload({ seconds, times, seed, say });
  const { capacityPerS, endedPerS, longestMs, answers, violations, calmP50Ms, recoveredAfterMs, memory } = report;
  say(`${times} times ${capacityPerS.toFixed(0)} orders a second for ${seconds} s:`);
  for (const [answer, count] of answers) say(`  ${String(count).padStart(7)} ${answer}`);
  say(`${endedPerS.toFixed(0)} a second of those that were accepted ended while it lasted`);
  say(`the slowest of those that were accepted took ${(longestMs / 1000).toFixed(1)} s`);
  say(
    recoveredAfterMs === undefined
      ? 'latency did not become normal again'
      : `latency is normal again (p50 within twice ${calmP50Ms} ms, nothing refused) after ${recoveredAfterMs / 1000} s`,
  );
  say('memory, MiB, before and at most:');
  for (const [name, { before, most }] of memory) say(`  ${name.padEnd(16)} ${before} ${most}`);
  for (const violation of violations.slice(0, 50)) say(`  ${violation}`);
  say(`violations: ${violations.length}`);
  return violations.length === 0;
});
