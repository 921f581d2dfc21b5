/**
 * `npm run fuzz`: generated requests against the gateway, generated
 * messages against every entity. Prints how they were answered; ends with 1 and the smallest case found when something is wrong.
 */
import { command, wholeOf } from '#local/commands/command.ts';
import { commandLine, commandSpec } from '#local/commands/command-line.ts';
import { fuzzMessages } from './run-messages.ts';
import { fuzzRequests } from './run-requests.ts';

const spec = commandSpec({
  call: 'npm run fuzz --',
  does: 'Sends generated requests to the gateway and generated messages to every entity, without a broker or a database.',
  options: {
    requests: { type: 'string', value: 'N', default: '100000', means: 'how many requests' },
    messages: { type: 'string', value: 'N', default: '20000', means: 'how many messages' },
    seed: { type: 'string', value: 'N', default: '1', means: 'the same seed generates the same' },
  },
  examples: [['--requests 0 --messages 5000 --seed 3', 'messages only']],
  exits: '1: something is wrong; the smallest case found is printed.',
});
const { values } = commandLine(spec);

await command(async () => {
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
