/** `npm run overload`: more orders than the stack can work off. Exit code 1 when an order is lost or does not end, or an executor is elected. */
import { overload } from './overload.ts';
import { commandLine, commandSpec } from '#local/commands/command-line.ts';
import { ownRun } from '#test/support/own-run.ts';

const spec = commandSpec({
  call: 'npm run overload --',
  does: 'Measures what a stack of its own can work off, sends it several times as much, and checks that no accepted order is lost and no executor elected.',
  options: {
    seconds: { type: 'string', value: 'N', default: '60', means: 'how long it is overloaded' },
    times: { type: 'string', value: 'N', default: '3', means: 'how many times what it can work off' },
    seed: { type: 'string', value: 'N', default: '1', means: 'the same seed sends the same orders' },
  },
  examples: [['--seconds 20 --times 5', 'short and heavy']],
  exits: '1: an order is lost or does not end, or an executor is elected while nothing is wrong with another one.',
});
const { values } = commandLine(spec);

await ownRun(async ({ say, positive }) => {
  const [seconds, times, seed] = [positive('seconds', values), positive('times', values), positive('seed', values)];
  const report = await overload({ seconds, times, seed, say });
  const { capacityPerS, endedPerS, longestMs, answers, violations, calmP50Ms, recoveredAfterMs, memory, elections } =
    report;
  say(`${times} times ${capacityPerS.toFixed(0)} orders a second for ${seconds} s:`);
  for (const [answer, count] of answers) say(`  ${String(count).padStart(7)} ${answer}`);
  say(`${endedPerS.toFixed(0)} a second of those that were accepted ended while it lasted`);
  say(`the slowest of those that were accepted took ${(longestMs / 1000).toFixed(1)} s`);
  say(
    recoveredAfterMs === undefined
      ? 'latency did not become normal again'
      : `latency is normal again (p50 within twice ${calmP50Ms} ms, nothing refused) after ${recoveredAfterMs / 1000} s`,
  );
  say(`elections of executors meanwhile: ${elections}`);
  say('memory, MiB, before and at most:');
  for (const [name, { before, most }] of memory) say(`  ${name.padEnd(16)} ${before} ${most}`);
  for (const violation of violations.slice(0, 50)) say(`  ${violation}`);
  say(`violations: ${violations.length}`);
  return violations.length === 0;
});
