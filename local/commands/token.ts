/** `npm run token -- --customer alice` (or `--operator`): prints a bearer token for the running stack, or for the one whose `TOKEN_KEYS` are set. */
import { parseArgs } from 'node:util';
import { parseTokenKeys, signToken } from '#services/gateway/tokens.ts';
import { readAddresses, stackDir } from '#local/stack/addresses.ts';
import { command } from './command.ts';
import { loadSecrets } from '#local/stack/secrets.ts';
import { serviceNames } from '#local/stack/service-names.ts';
import { Trouble } from '#local/stack/trouble.ts';

const USAGE = 'npm run token -- --customer alice | --operator [--hours 24]';

await command(async () => {
  const { values } = parseArgs({
    options: {
      customer: { type: 'string' },
      operator: { type: 'boolean', default: false },
      hours: { type: 'string', default: '24' },
    },
  });
  const expiresInS = Math.round(Number(values.hours) * 3600);
  if (!(expiresInS > 0)) throw new Trouble(`--hours is a number of hours, not ${JSON.stringify(values.hours)}`);
  if ((values.customer === undefined) === !values.operator)
    throw new Trouble('say for whom: --customer <id>, or --operator');
  const keys = parseTokenKeys(process.env['TOKEN_KEYS'] ?? keysOfTheRunningStack());
  const identity = values.operator
    ? ({ subject: 'operator', role: 'operator' } as const)
    : ({ subject: values.customer ?? '', role: 'customer' } as const);
  process.stdout.write(`${await signToken({ ...identity, expiresInS }, keys)}\n`);
}, USAGE);

function keysOfTheRunningStack(): string {
  readAddresses();
  return loadSecrets(stackDir, serviceNames).tokenKeys;
}
