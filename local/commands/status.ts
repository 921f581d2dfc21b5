/** `npm run status`: one screen that says how the stack is, and what to do. Ends with 1 when somebody has to do something. */
import { apiOf } from './api.ts';
import { command, numberOf } from './command.ts';
import { apiOptions, commandLine, commandSpec } from './command-line.ts';
import { statusFacts } from './status/facts.ts';
import { COLOURS, statusReport } from './status/report.ts';
import { terminal } from './terminal.ts';
import { readAddresses } from '#local/stack/addresses.ts';
import { systemClock } from '#shared/clock.ts';

const spec = commandSpec({
  call: 'npm run status --',
  does: 'Says on one screen how the stack is: services, routes, parked messages, dead letters, open orders, executors, invariants; and what to do.',
  options: {
    json: { type: 'boolean', default: false, means: 'prints the lines as JSON' },
    'hanging-after': {
      type: 'string',
      value: 'SECONDS',
      default: '1260',
      means: 'an order that is older and has not ended needs a person',
    },
    ...apiOptions,
  },
  examples: [
    ['', 'how the stack of this folder is'],
    ['--json', 'the same for a program'],
  ],
  exits: '1: somebody has to do something, or nothing answers.',
});
const { values } = commandLine(spec);

await command(async () => {
  const hangingAfterMs = 1000 * numberOf('--hanging-after', values['hanging-after'], 0, 30 * 86_400);
  const health = values.api === undefined ? (readAddresses().health ?? {}) : {};
  const facts = await statusFacts(apiOf(values), health);
  const lines = statusReport(facts, systemClock.now(), hangingAfterMs);
  const isFine = lines.every(({ level }) => level !== 'person');
  if (!isFine) process.exitCode = 1;
  if (values.json) {
    process.stdout.write(`${JSON.stringify({ ok: isFine, lines }, null, 2)}\n`);
    return;
  }
  const { say } = terminal(process.stdout);
  const mark = { fine: ' ', watch: '~', person: '!' };
  let topic = '';
  for (const line of lines) {
    say(`${mark[line.level]} ${(line.topic === topic ? '' : line.topic).padEnd(13)} ${line.text}`, COLOURS[line.level]);
    if (line.advice !== undefined) say(`${' '.repeat(18)}${line.advice}`);
    topic = line.topic;
  }
  say(isFine ? '\nNothing to do.' : '\nSomebody has to do something about the lines with !.');
});
