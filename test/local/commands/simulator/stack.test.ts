import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { anyFreePort } from '#local/stack/ports.ts';
import { BASKET_KINDS } from '#local/commands/simulator/basket-plan.ts';
import { planOf, STANDARD_MIX } from '#local/commands/simulator/plan.ts';
import { report } from '#local/commands/simulator/report.ts';
import { simulate } from '#local/commands/simulator/run.ts';
import { isSound } from '#local/commands/simulator/verdict.ts';
import { createShop } from '#test/support/place.ts';
import { demoCatalogue } from '#local/stack/demo-catalogue.ts';
import { startStack, type TestStack } from '#test/support/stack.ts';

let stack: TestStack;
const dir = mkdtempSync(join(tmpdir(), 'simulate-'));

test.before(async () => {
  stack = await startStack({ goods: demoCatalogue });
});
test.after.always(async () => {
  rmSync(dir, { recursive: true, force: true });
  await stack?.stop();
});

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** `npm run simulate` as a process of its own. */
function simulated(...args: readonly string[]): Promise<Ended> {
  return new Promise((resolve) => {
    execFile(process.execPath, ['local/commands/simulate.ts', ...args], (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
    });
  });
}

test.serial('every kind of order ends on the real stack as it has to, and each is paid once', async (t) => {
  const plan = planOf({ seed: 11, ratePerS: 20, count: 100, customers: 5, mix: { ...STANDARD_MIX, timeout: 0 } });
  const result = await simulate({ api: stack.api, plan, limitMs: 60_000 });
  t.log(report(result));
  t.is(result.rows.length, 100);
  t.true(result.rows.every(({ orderId }) => orderId !== undefined));
  t.true(isSound(result.rows), report(result));
  const shop = createShop(stack);
  for (const { id, fundsMinor } of plan.customers) {
    const wallet = await shop.wallet(id);
    const paid = result.rows.filter(({ customerId, outcome }) => customerId === id && outcome === 'completed');
    const spent = paid.reduce((sum, { amountMinor }) => sum + amountMinor, 0);
    t.is(wallet.available.amount, fundsMinor - spent, id);
    t.is(wallet.held.amount, 0, id);
  }
});

test.serial('the command ends with 0 and writes the same sequence of orders for the same seed', async (t) => {
  const sequences = [];
  for (const name of ['first.csv', 'second.csv']) {
    const out = join(dir, name);
    const where = ['--api', stack.apiUrl, '--token', stack.operatorToken];
    const ended = await simulated(
      '--rate',
      '10',
      '--seconds',
      '3',
      '--customers',
      '4',
      '--seed',
      '5',
      '--out',
      out,
      ...where,
    );
    t.is(ended.code, 0, `${ended.stdout}${ended.stderr}`);
    t.regex(ended.stdout, /Every accepted order has ended/);
    const lines = readFileSync(out, 'utf8').trimEnd().split('\r\n').slice(1);
    t.is(lines.length, 30);
    sequences.push(lines.map((line) => line.split(',').slice(0, 4)));
    t.true(lines.every((line) => /,(completed|failed|cancelled),/.test(line)));
  }
  t.deepEqual(sequences[0], sequences[1]);
});

test.serial('every kind of basket ends on the real stack as it has to, while strategies are swapped', async (t) => {
  const where = ['--api', stack.apiUrl, '--token', stack.operatorToken];
  const ended = await simulated(
    '--baskets',
    '--rate',
    '20',
    '--seconds',
    '5',
    '--customers',
    '5',
    '--seed',
    '9',
    ...where,
  );
  t.is(ended.code, 0, `${ended.stdout}${ended.stderr}`);
  for (const kind of BASKET_KINDS) t.regex(ended.stdout, new RegExp(`^${kind} +\\d+ `, 'm'));
  t.regex(ended.stdout, /^ordered +\d+ +\d+ ordered, order completed/m);
  t.regex(ended.stdout, /Every total is what the versions of its lines compute/);
});

test.serial('what can not be done is one clear sentence', async (t) => {
  const nobody = `http://127.0.0.1:${await anyFreePort()}`;
  const cases: readonly (readonly [readonly string[], RegExp])[] = [
    [['--api', nobody, '--token', 'x'], /^Nothing answers at http.*: is the stack running\?\n$/],
    [['--api', stack.apiUrl, '--token', 'x'], /^http.* does not accept the token\.\n$/],
    [['--api', nobody], /^--api and --token go together\.\n$/],
    [['--rate', 'fast'], /^--rate is a number from 0\.1 to 2000, not "fast"\n$/],
    [['--checkouts', '--baskets'], /^--checkouts and --baskets are one or the other\.\n$/],
    [['--seed', '1.5'], /^--seed is a whole number, not "1\.5"\n$/],
  ];
  for (const [args, sentence] of cases) {
    const { code, stderr } = await simulated(...args);
    t.is(code, 1, args.join(' '));
    t.regex(stderr, sentence);
  }
});
