/**
 * `npm run fuzz [-- --requests 100000] [--messages 20000] [--seed 1]`: generated requests against the gateway, generated
 * messages against every entity. Prints how they were answered; ends with 1 and the smallest case found when something is wrong.
 */
import { parseArgs } from 'node:util';
import { command, wholeOf } from '#local/commands/command.ts';
import { fuzzMessages } from './run-messages.ts';
import { fuzzRequests } from './run-requests.ts';

await command(async () => {
  const { values } = parseArgs({
    options: {
      requests: { type: 'string', default: '100000' },
      messages: { type: 'string', default: '20000' },
      seed: { type: 'string', default: '1' },
    },
  });
  const seed = wholeOf('--seed', values.seed, 0, 0x7fff_ffff);
  const wanted = {
    requests: wholeOf('--requests', values.requests, 0, 100_000_000),
    messages: wholeOf('--messages', values.messages, 0, 100_000_000),
  };
  const say = (line: string): void => void process.stdout.write(`${line}\n`);
  const seconds = (since: number): string => `${((performance.now() - since) / 1000).toFixed(1)} s`;

  if (wanted.requests > 0) {
    const since = performance.now();
    const { requests, malformed, answers, published } = await fuzzRequests({ requests: wanted.requests, seed });
    say(`${requests} requests and ${malformed} times bytes that are none, seed ${seed}, ${seconds(since)}`);
    for (const [status, count] of Object.entries(answers)) say(`  ${String(count).padStart(7)}  ${status}`);
    say(`  no 5xx; nothing was stored for a refused one; ${published} messages published, each valid for its owner`);
  }
  if (wanted.messages > 0) {
    const since = performance.now();
    const { messages, fates, reasons } = await fuzzMessages({ messages: wanted.messages, seed });
    say(`${messages} messages, seed ${seed}, ${seconds(since)}`);
    for (const [fate, count] of Object.entries(fates)) say(`  ${String(count).padStart(7)}  ${fate}`);
    say('  none lost; the dead died of');
    for (const [reason, count] of [...reasons].toSorted((a, b) => b[1] - a[1]).slice(0, 25))
      say(`  ${String(count).padStart(7)}  ${reason}`);
  }
});
