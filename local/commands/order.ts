/** `npm run order`: places an order on the running stack and follows it. */
import { readAddresses } from '#local/stack/addresses.ts';
import { createApi } from './api.ts';
import { command } from './command.ts';
import { commandLine, commandSpec } from './command-line.ts';
import { placeAndFollow } from './follow.ts';
import { terminal } from './terminal.ts';
import { Trouble } from '#local/stack/trouble.ts';
import { currency, formatMoney, minorUnitsOf } from '#services/money.ts';

const spec = commandSpec({
  call: 'npm run order --',
  does: 'Places an order on the running stack of this folder and shows its steps until it has ended.',
  options: {
    customer: {
      type: 'string',
      value: 'NAME',
      default: 'alice',
      means: 'who orders; alice, bob, carol and dave have money',
    },
    amount: { type: 'string', value: 'AMOUNT', default: '12.99', means: 'the price, in the currency' },
    currency: { type: 'string', value: 'CODE', default: 'EUR', means: `one of ${currency.options.join(', ')}` },
    method: {
      type: 'string',
      value: 'TOKEN',
      default: 'pm_ok',
      means: 'what the simulated provider does: pm_ok, pm_declined, pm_slow (a second), pm_timeout (never answers)',
    },
  },
  examples: [
    ['', 'an order that completes'],
    ['--customer bob --method pm_declined', 'an order that the provider declines, and how it is undone'],
  ],
  exits: '1: the order did not complete, or could not be placed.',
});
const { values } = commandLine(spec);

await command(async () => {
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
  const state = await placeAndFollow(createApi(api, operatorToken), request, terminal(process.stdout));
  process.exitCode = state === 'completed' ? 0 : 1;
});
