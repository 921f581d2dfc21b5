/** `npm run order -- [--customer bob] [--amount 12.99] [--currency EUR] [--method pm_declined]`: places an order on the running stack and follows it. */
import { parseArgs } from 'node:util';
import { readAddresses } from '#local/stack/addresses.ts';
import { createApi } from './api.ts';
import { command } from './command.ts';
import { placeAndFollow } from './follow.ts';
import { Trouble } from '#local/stack/trouble.ts';
import { currency, formatMoney, minorUnitsOf } from '#services/money.ts';

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
  const { customer, method } = values;
  const known = currency.safeParse(values.currency);
  if (!known.success) throw new Trouble(`--currency is one of ${currency.options.join(', ')}`);
  const amount = minorUnitsOf(values.amount, known.data);
  if (amount === undefined)
    throw new Trouble(
      `--amount is one like that of ${formatMoney({ amount: 1299, currency: known.data })}, not ${JSON.stringify(values.amount)}`,
    );
  const { api, operatorToken } = readAddresses();
  const request = { customer, amount, currency: known.data, method };
  await placeAndFollow(createApi(api, operatorToken), request, (text) => process.stdout.write(`${text}\n`));
}, USAGE);
