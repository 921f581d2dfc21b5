/**
 * `npm run simulate -- --rate 50 --seconds 60 --customers 20 --seed 7 [--out orders.csv] [--retry] [--limit 180]
 * [--max-outstanding 200] [--api URL --token T]`: sends a reproducible mix of orders to the running stack, waits until each
 * accepted one has ended, and reports. Ends with 1 when an order ended as it must not, or hangs. Ctrl-C sends no more and
 * waits for the rest; a second one ends the waiting.
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { systemClock } from '#shared/clock.ts';
import { readAddresses } from './addresses.ts';
import { createApi, type Api } from './api.ts';
import { command } from './command.ts';
import { csv } from './simulator/csv.ts';
import { planOf } from './simulator/plan.ts';
import { showProgress } from './simulator/progress.ts';
import { report } from './simulator/report.ts';
import { simulate } from './simulator/run.ts';
import { isSound } from './simulator/verdict.ts';
import { Trouble } from './trouble.ts';

await command(async () => {
  const { values } = parseArgs({
    options: {
      rate: { type: 'string', default: '50' },
      seconds: { type: 'string', default: '60' },
      customers: { type: 'string', default: '20' },
      seed: { type: 'string', default: '7' },
      limit: { type: 'string', default: '180' },
      'max-outstanding': { type: 'string', default: '200' },
      retry: { type: 'boolean', default: false },
      out: { type: 'string' },
      api: { type: 'string' },
      token: { type: 'string' },
    },
  });
  const ratePerS = number('--rate', values.rate, 0.1, 2000);
  const plan = planOf({
    seed: whole('--seed', values.seed, 0, 0xffff_ffff),
    ratePerS,
    count: Math.max(1, Math.round(ratePerS * number('--seconds', values.seconds, 0.1, 86_400))),
    customers: whole('--customers', values.customers, 1, 10_000),
  });
  const limitMs = 1000 * number('--limit', values.limit, 0, 86_400);
  const maxOutstanding = whole('--max-outstanding', values['max-outstanding'], 1, 10_000);
  const api = await answering(values.api, values.token);
  if (values.out !== undefined) writeFileSync(values.out, ''); // rather now than after a minute
  const { enough, signal } = interruptions();
  const result = await simulate({
    api,
    plan,
    enough,
    signal,
    limitMs,
    maxOutstanding,
    retry: values.retry ? 'once' : 'never',
    onProgress: showProgress(process.stdout),
  });
  process.stdout.write(`\n${report(result)}\n`);
  if (values.out !== undefined) {
    writeFileSync(values.out, csv(result));
    process.stdout.write(`\n${result.rows.length} lines written to ${values.out}.\n`);
  }
  process.exitCode = isSound(result.rows) ? 0 : 1;
});

/** The given stack or the one of this folder. */
async function answering(url: string | undefined, token: string | undefined): Promise<Api> {
  if ((url === undefined) !== (token === undefined)) throw new Trouble('--api and --token go together.');
  if (url !== undefined && !URL.canParse(url)) throw new Trouble(`--api is a URL, not ${JSON.stringify(url)}`);
  const base = url ?? readAddresses().api;
  const api = createApi(base, token ?? readAddresses().operatorToken);
  const answer = await api.get('/v1/orders?limit=1').catch(() => undefined);
  if (answer?.status === 401 || answer?.status === 403) throw new Trouble(`${base} does not accept the token.`);
  if (answer === undefined) throw new Trouble(`Nothing answers at ${base}: is the stack running?`);
  return api;
}

function number(name: string, text: string, min: number, max: number): number {
  const value = Number(text);
  if (text.trim() === '' || !(value >= min && value <= max))
    throw new Trouble(`${name} is a number from ${min} to ${max}, not ${JSON.stringify(text)}`);
  return value;
}

function whole(name: string, text: string, min: number, max: number): number {
  const value = number(name, text, min, max);
  if (!Number.isInteger(value)) throw new Trouble(`${name} is a whole number, not ${JSON.stringify(text)}`);
  return value;
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
