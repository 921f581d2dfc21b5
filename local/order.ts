/** `npm run order -- [--customer bob] [--amount 12.99] [--currency EUR] [--method pm_declined]`: places an order on the running stack and follows it. */
import { parseArgs } from 'node:util';
import { readAddresses } from './addresses.ts';
import { createApi } from './api.ts';
import { command } from './command.ts';
import { placeAndFollow } from './follow.ts';
import { Trouble } from './trouble.ts';

const USAGE = 'npm run order -- [--customer bob] [--amount 12.99] [--currency EUR] [--method pm_declined]';

await command(async () => {
  const { values } = parseArgs({
    options: {
      customer: { type: 'string', default: 'alice' },
      amount: { type: 'string', default: '12.99' },
      currency: { type: 'string', default: 'EUR' },
      method: { type: 'string', default: 'pm_ok' },
    },
  });
  const { customer, currency, method } = values;
  const { api, operatorToken } = readAddresses();
  const request = { customer, amount: minorUnits(values.amount), currency, method };
  await placeAndFollow(createApi(api, operatorToken), request, (text) => process.stdout.write(`${text}\n`));
}, USAGE);

function minorUnits(amount: string): number {
  const match = /^(\d{1,12})(?:\.(\d{1,2}))?$/.exec(amount);
  if (!match) throw new Trouble(`--amount is an amount like 12.99, not ${JSON.stringify(amount)}`);
  return Number(match[1]) * 100 + Number((match[2] ?? '').padEnd(2, '0'));
}
