/** `npm run token`: prints a bearer token for the running stack, or for the one whose `TOKEN_KEYS` are set. */
import { parseTokenKeys, signToken } from '#shared/web/tokens.ts';
import { readAddresses, stackDir } from '#local/stack/addresses.ts';
import { command } from './command.ts';
import { commandLine, commandSpec } from './command-line.ts';
import { loadSecrets } from '#local/stack/secrets.ts';
import { brokerUsers } from '#services/services.ts';
import { Trouble } from '#local/stack/trouble.ts';

const spec = commandSpec({
  call: 'npm run token --',
  does: 'Prints a bearer token for the running stack of this folder, or for the one whose TOKEN_KEYS are set.',
  options: {
    customer: { type: 'string', value: 'NAME', means: 'a token of this customer' },
    operator: { type: 'boolean', default: false, means: "an operator's token instead" },
    hours: { type: 'string', value: 'HOURS', default: '24', means: 'how long it is valid' },
  },
  examples: [
    ['--customer alice', 'what alice may do, for a day'],
    ['--operator --hours 1', 'what an operator may do, for an hour'],
  ],
});
const { values } = commandLine(spec);

await command(async () => {
  const expiresInS = Math.round(Number(values.hours) * 3600);
  if (!(expiresInS > 0)) throw new Trouble(`--hours is a number of hours, not ${JSON.stringify(values.hours)}`);
  if ((values.customer === undefined) === !values.operator)
    throw new Trouble('say for whom: --customer <id>, or --operator');
  const keys = parseTokenKeys(process.env['TOKEN_KEYS'] ?? keysOfTheRunningStack());
  const identity = values.operator
    ? ({ subject: 'operator', role: 'operator' } as const)
    : ({ subject: values.customer ?? '', role: 'customer' } as const);
  process.stdout.write(`${await signToken({ ...identity, expiresInS }, keys)}\n`);
});

function keysOfTheRunningStack(): string {
  readAddresses();
  return loadSecrets(stackDir, brokerUsers).tokenKeys;
}
