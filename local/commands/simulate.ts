/**
 * `npm run simulate -- --rate 50 --seconds 60 --customers 20 --seed 7 [--out orders.csv] [--retry] [--limit 180]
 * [--max-outstanding 200] [--checkouts | --baskets] [--api URL --token T]`: sends a reproducible mix of orders to the running stack, waits until each
 * accepted one has ended, and reports. Ends with 1 when an order ended as it must not, or hangs. Ctrl-C sends no more and
 * waits for the rest; a second one ends the waiting.
 */
import { writeFileSync } from 'node:fs';
import { systemClock } from '#shared/clock.ts';
import { apiOf, type Api } from './api.ts';
import { command, numberOf, wholeOf } from './command.ts';
import { apiOptions, commandLine, commandSpec } from './command-line.ts';
import { basketPlanOf } from './simulator/basket-plan.ts';
import { basketReport } from './simulator/basket-report.ts';
import { simulateBaskets } from './simulator/basket-run.ts';
import { basketsAreSound } from './simulator/basket-verdict.ts';
import { checkoutPlanOf } from './simulator/checkout-plan.ts';
import { checkoutReport } from './simulator/checkout-report.ts';
import { simulateCheckouts } from './simulator/checkout-run.ts';
import { areSound } from './simulator/checkout-verdict.ts';
import { csv } from './simulator/csv.ts';
import { planOf } from './simulator/plan.ts';
import { showProgress } from './simulator/progress.ts';
import { report } from './simulator/report.ts';
import { simulate } from './simulator/run.ts';
import { isSound } from './simulator/verdict.ts';
import { Trouble } from '#local/stack/trouble.ts';

const spec = commandSpec({
  call: 'npm run simulate --',
  does: 'Sends a reproducible mix of orders, of checkouts or of baskets to the running stack and says what became of each kind and how long it took.',
  options: {
    rate: { type: 'string', value: 'N', default: '50', means: 'orders a second' },
    seconds: { type: 'string', value: 'N', default: '60', means: 'how long orders are sent' },
    customers: { type: 'string', value: 'N', default: '20', means: 'how many customers order' },
    seed: { type: 'string', value: 'N', default: '7', means: 'the same seed sends the same orders' },
    limit: {
      type: 'string',
      value: 'SECONDS',
      default: '180',
      means: 'how long orders are waited for after the last one was sent',
    },
    'max-outstanding': {
      type: 'string',
      value: 'N',
      default: '200',
      means: 'so many requests may be without an answer at once',
    },
    retry: { type: 'boolean', default: false, means: 'asks again after Retry-After when an order is refused' },
    checkouts: {
      type: 'boolean',
      default: false,
      means: 'sends checkouts, approved and rejected at each event, in the place of orders',
    },
    baskets: {
      type: 'boolean',
      default: false,
      means: 'prices, keeps and orders baskets while strategies are swapped, in the place of orders',
    },
    out: { type: 'string', value: 'FILE', means: 'writes a line of CSV for each order' },
    ...apiOptions,
  },
  examples: [
    ['--rate 10 --seconds 30', 'a light load for half a minute'],
    ['--seed 8 --out orders.csv', 'other orders, each of them in a file'],
    ['--checkouts --rate 5 --seconds 20', 'a hundred checkouts, and the orders behind those that are approved'],
    [
      '--baskets --rate 20 --seconds 20',
      'four hundred baskets and swaps, each total compared with what its versions compute',
    ],
  ],
  exits: '1: an order, a checkout or a basket ended as it must not, or hangs.',
});
const { values } = commandLine(spec);

await command(async () => {
  const ratePerS = numberOf('--rate', values.rate, 0.1, 2000);
  const options = {
    seed: wholeOf('--seed', values.seed, 0, 0xffff_ffff),
    ratePerS,
    count: Math.max(1, Math.round(ratePerS * numberOf('--seconds', values.seconds, 0.1, 86_400))),
    customers: wholeOf('--customers', values.customers, 1, 10_000),
  };
  const limitMs = 1000 * numberOf('--limit', values.limit, 0, 86_400);
  const maxOutstanding = wholeOf('--max-outstanding', values['max-outstanding'], 1, 10_000);
  if (values.checkouts && values.baskets) throw new Trouble('--checkouts and --baskets are one or the other.');
  if ((values.checkouts || values.baskets) && (values.out !== undefined || values.retry))
    throw new Trouble('--out and --retry are for orders, not for --checkouts or --baskets.');
  const api = await answering(apiOf(values), values.api ?? 'the stack of this folder');
  if (values.out !== undefined) writeFileSync(values.out, ''); // rather now than after a minute
  const common = { api, limitMs, onProgress: showProgress(process.stdout), ...interruptions() };
  if (values.checkouts) {
    const rows = await simulateCheckouts({ ...common, plan: checkoutPlanOf(options) });
    process.stdout.write(`\n${checkoutReport(options.seed, rows)}\n`);
    process.exitCode = areSound(rows) ? 0 : 1;
    return;
  }
  if (values.baskets) {
    const rows = await simulateBaskets({ ...common, plan: basketPlanOf(options) });
    process.stdout.write(`\n${basketReport(options.seed, rows)}\n`);
    process.exitCode = basketsAreSound(rows) ? 0 : 1;
    return;
  }
  const retry = values.retry ? 'once' : 'never';
  const result = await simulate({ ...common, plan: planOf(options), maxOutstanding, retry });
  process.stdout.write(`\n${report(result)}\n`);
  if (values.out !== undefined) {
    writeFileSync(values.out, csv(result));
    process.stdout.write(`\n${result.rows.length} lines written to ${values.out}.\n`);
  }
  process.exitCode = isSound(result.rows) ? 0 : 1;
});

/** One that answers and accepts the token. */
async function answering(api: Api, where: string): Promise<Api> {
  const answer = await api.get('/v1/orders?limit=1').catch(() => undefined);
  if (answer?.status === 401 || answer?.status === 403) throw new Trouble(`${where} does not accept the token.`);
  if (answer === undefined) throw new Trouble(`Nothing answers at ${where}: is the stack running?`);
  return api;
}

/** A Ctrl-C may arrive twice, from the terminal and through npm. */
function interruptions(): { enough: AbortSignal; signal: AbortSignal } {
  const [enough, everything] = [new AbortController(), new AbortController()];
  const SAME_MS = 1500;
  let at: number | undefined;
  const onSignal = (): void => {
    const isSame = at !== undefined && systemClock.now() - at < SAME_MS;
    if (!isSame && everything.signal.aborted) process.exit(130);
    if (!isSame && at !== undefined) everything.abort();
    at ??= systemClock.now();
    enough.abort();
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  return { enough: enough.signal, signal: everything.signal };
}
