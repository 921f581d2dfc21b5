/** `npm run order`: places an order on the running stack and follows it. */
import { readAddresses } from '#local/stack/addresses.ts';
import { createApi } from './api.ts';
import { command, wholeOf } from './command.ts';
import { commandLine, commandSpec } from './command-line.ts';
import { placeAndFollow } from './follow.ts';
import { terminal } from './terminal.ts';

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
    sku: {
      type: 'string',
      value: 'SKU',
      default: 'book',
      means: 'what is ordered; GET /v1/products lists what there is',
    },
    quantity: { type: 'string', value: 'N', default: '1', means: 'how many' },
    method: {
      type: 'string',
      value: 'TOKEN',
      default: 'pm_ok',
      means: 'what the simulated provider does: pm_ok, pm_declined, pm_slow (a second), pm_timeout (never answers)',
    },
  },
  examples: [
    ['', 'an order that completes'],
    ['--sku tea --quantity 2', 'two packets of tea'],
    [
      '--customer bob --method pm_declined',
      'an order that the provider declines, is tried again, and how it is undone',
    ],
  ],
  exits: '1: the order did not complete, or could not be placed.',
});
const { values } = commandLine(spec);

await command(async () => {
  const { customer, sku, method } = values;
  const quantity = wholeOf('--quantity', values.quantity, 1, 1_000_000);
  const { api, operatorToken } = readAddresses();
  const request = { customer, sku, quantity, method };
  const state = await placeAndFollow(createApi(api, operatorToken), request, terminal(process.stdout));
  process.exitCode = state === 'completed' ? 0 : 1;
});
