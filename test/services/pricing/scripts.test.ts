import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import test from 'ava';
import { type Case, ScriptFailure, type Strategy } from '#services/pricing/scripts/contract.ts';
import { scriptLimits } from '#services/pricing/scripts/limits.ts';
import { loadEngine } from '#services/pricing/scripts/realm.ts';
import { Late } from '#shared/within.ts';
import { createRunning } from '#services/pricing/scripts/running.ts';
import { createScripts } from '#services/pricing/scripts/scripts.ts';

const scripts = createScripts({ threads: 2 });
test.after.always(() => scripts.close());

const strategyOf = (source: string) => ({ source, version: scripts.versionOf(source) });
const call = (source: string, cases: readonly Case[]) => scripts.call(strategyOf(source), cases);
const TWO_THIRDS = 'export default ({ quantity, price, round }) => round(2 * quantity * price, 3);';

test('a strategy gives the amount of each line', async (t) => {
  const lines = [
    { quantity: 3, price: 1123 },
    { quantity: 1, price: 2 },
  ];
  t.deepEqual(await call(TWO_THIRDS, lines), [2246, 1]);
});

test('many calls at once each get their own amounts', async (t) => {
  const quantities = Array.from({ length: 5_000 }, (_, n) => n + 1);
  const amounts = await Promise.all(quantities.map((quantity) => call(TWO_THIRDS, [{ quantity, price: 300 }])));
  t.deepEqual(
    amounts.map(([amount]) => amount),
    quantities.map((quantity) => quantity * 200),
  );
});

test('a script that loops fails its own call, the others of its message have their amounts', async (t) => {
  const source = 'export default ({ quantity }) => { while (quantity === 7); return quantity; };';
  const seen = await Promise.allSettled([1, 2, 7, 3].map((quantity) => call(source, [{ quantity, price: 1 }])));
  t.deepEqual(
    seen.map((each) => (each.status === 'fulfilled' ? each.value[0] : (each.reason as ScriptFailure).did)),
    [1, 2, 'looped', 3],
  );
});

test('a script that loops again and again delays others by one call at most, and what nobody waits for is not made', async (t) => {
  const one = createScripts();
  const loop = strategyOf('export default ({ quantity }) => { while (quantity === 7); return quantity; };');
  await one.call(loop, [{ quantity: 1, price: 1 }]);
  const deadline = Date.now() + 1_000;
  const ended = Promise.allSettled(
    Array.from({ length: 200 }, () => one.call(loop, [{ quantity: 7, price: 1 }], deadline)),
  );
  const behind = one.call(loop, [{ quantity: 2, price: 1 }]);
  t.deepEqual(await one.call(strategyOf(TWO_THIRDS), [{ quantity: 3, price: 100 }], deadline), [200]);
  t.deepEqual(await behind, [2]);
  const late = (await ended).filter((each) => each.status === 'rejected' && each.reason instanceof Late);
  t.true(late.length > 150, 'most were not made');
  await one.close();
});

test('however many versions loop, others wait for one call of them at most once they are known', async (t) => {
  const one = createScripts({ limits: { callMs: 20 } });
  const loops = Array.from({ length: 12 }, (_, n) => strategyOf(`export default () => { for (;;); return ${n}; };`));
  const tookMs = async (strategy: Strategy): Promise<number> => {
    const since = performance.now();
    await one.call(strategy, [{ quantity: 3, price: 100 }]).catch(() => {});
    return performance.now() - since;
  };
  await Promise.all(loops.map(tookMs));
  let isOver = false;
  const again = Promise.all(loops.map(tookMs)).finally(() => (isOver = true));
  let honest = 0;
  while (!isOver) honest = Math.max(honest, await tookMs(strategyOf(TWO_THIRDS)));
  const longest = Math.max(...(await again));
  t.true(honest < longest / 2, `${honest} ms of ${longest} ms`);
  await one.close();
});

test('what the engine cannot interrupt is ended with its thread, and the other calls are asked again', async (t) => {
  const source =
    'export default ({ quantity }) => (quantity === 7 ? [].indexOf.call({ length: 2 ** 53 - 1 }, 1) : quantity);';
  const calls = [
    call(source, [{ quantity: 1, price: 1 }]),
    call(source, [{ quantity: 7, price: 1 }]),
    call(TWO_THIRDS, [{ quantity: 3, price: 100 }]),
    call(source, [{ quantity: 2, price: 1 }]),
  ];
  const seen = await Promise.allSettled(calls);
  t.deepEqual(
    seen.map((each) => (each.status === 'fulfilled' ? each.value[0] : (each.reason as ScriptFailure).did)),
    [1, 'looped', 200, 2],
  );
});

test('a call of which the deadline passed before its turn is not made', async (t) => {
  const gone = t.throwsAsync(scripts.call(strategyOf(TWO_THIRDS), [{ quantity: 3, price: 1 }], Date.now() - 1), {
    instanceOf: Late,
  });
  t.deepEqual(await call(TWO_THIRDS, [{ quantity: 3, price: 1 }]), [2]);
  await gone;
});

test('the same bytes are one version, and one byte more is another', (t) => {
  t.is(scripts.versionOf(TWO_THIRDS), scripts.versionOf(`${TWO_THIRDS}`));
  t.not(scripts.versionOf(TWO_THIRDS), scripts.versionOf(`${TWO_THIRDS} `));
  t.regex(scripts.versionOf(TWO_THIRDS), /^[0-9a-f]{40}$/);
});

test('a version is compiled once, and again only after more than are kept', async (t) => {
  const limits = { ...scriptLimits, compiledScripts: 2 };
  const running = createRunning(await loadEngine(limits), limits);
  const run = (source: string, withSource = true) =>
    running.run({
      groups: [{ version: scripts.versionOf(source), sizes: [1], ...(withSource && { source }) }],
      numbers: Float64Array.of(3, 100),
    });
  const [one = '', two = '', three = ''] = [1, 2, 3].map((n) => `export default () => ${n};`);
  for (const source of [one, one, two, one, two]) t.is(run(source).amounts[0], source === one ? 1 : 2);
  t.deepEqual(running.compiled, { now: 2, ever: 2 });
  t.is(run(three).amounts[0], 3);
  t.deepEqual(running.compiled, { now: 2, ever: 3 });
  t.deepEqual(run(one, false).missing, [0], 'the one not used for longest is gone');
  t.is(run(two, false).amounts[0], 2);
});

test('more versions than a thread keeps all have their amounts', async (t) => {
  const few = createScripts({ limits: { compiledScripts: 2 } });
  for (const round of [1, 2, 3])
    for (let n = 1; n <= 5; n += 1) {
      const source = `export default ({ quantity }) => quantity * ${n};`;
      t.deepEqual(await few.call(strategyOf(source), [{ quantity: round, price: 1 }]), [round * n]);
    }
  await few.close();
});

test('after close no thread is left, and what is asked then is refused', async (t) => {
  const closing = createScripts();
  await closing.call(strategyOf(TWO_THIRDS), [{ quantity: 1, price: 1 }]);
  const strategy = strategyOf('export default () => { for (;;); };');
  const late = t.throwsAsync(closing.call(strategy, [{ quantity: 1, price: 1 }]));
  const dryRun = t.throwsAsync(closing.check('export default () => { for (;;); };'));
  await closing.close();
  await Promise.all([late, dryRun]);
  await t.throwsAsync(closing.call(strategyOf(TWO_THIRDS), [{ quantity: 1, price: 1 }]), { message: /closed/ });
  await t.throwsAsync(closing.check(TWO_THIRDS), { message: /closed/ });
});

test('a process that has asked and closes nothing ends all the same', async (t) => {
  const script = `
    import { createScripts } from '#services/pricing/scripts/scripts.ts';
    const scripts = createScripts();
    const source = 'export default ({ quantity }) => quantity;';
    const amounts = await scripts.call({ source, version: scripts.versionOf(source) }, [{ quantity: 4, price: 1 }]);
    process.stdout.write(String(amounts));`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], {
    timeout: 60_000,
  });
  t.is(stdout, '4');
});

test('a dry run says what is wrong and where', async (t) => {
  const { problems } = await scripts.check('export default ({ quantity }) => {\n  return quantity +;\n};');
  t.deepEqual(problems, [{ message: 'Unexpected token', line: 2, column: 20 }]);
  const thrown = await scripts.check('export default ({ quantity }) => {\n  return quantity.a.b;\n};');
  t.deepEqual(thrown.problems, [
    { message: "for 1 at 0: it threw TypeError: cannot read property 'b' of undefined", line: 2, column: 20 },
  ]);
});

const REFUSED: readonly (readonly [string, RegExp])[] = [
  ['export default () => {};', /for 1 at 0: it gave nothing/],
  ['export default () => ({ then() {} });', /an object/],
  ['export default async () => 1;', /`async` is not allowed/],
  ['export default () => 0 / 0;', /NaN/],
  ['export default ({ quantity, price }) => quantity * price * 1.5;', /for 1 at 1: it gave a fraction, 1.5/],
  ['export default ({ price }) => 300 - price;', /for 1 at 311: it gave a negative amount, -11/],
  ['export default ({ quantity, price }) => quantity * price * 10_000;', /above 1000000000000/],
  ["export default () => '1';", /text/],
  [
    'export default ({ quantity }) => { if (quantity === 999) throw new Error("too many"); return 1; };',
    /for 999 at 0: it threw Error: too many/,
  ],
  ['export default ({ price }) => { while (price === 311); return 1; };', /not done in 100 ms/],
  ['export default function f(line) { return f(line); }', /too deeply/],
  ['export default () => { const all = []; for (;;) all.push({}); };', /more memory/],
  ['export default () => [].indexOf.call({ length: 2 ** 53 - 1 }, 1);', /nothing moved in 300 ms/],
  ['const price = 1;', /no default function/],
  ['export default 5;', /no function/],
  [`export default () => 1; //${'x'.repeat(65_536)}`, /65562 bytes, more than 65536/],
  ["export default () => '\ud800'.length;", /surrogate/],
  ['['.repeat(60_000), /stack|deep|Unexpected/],
  [`export default () => ${'('.repeat(20_000)}1${')'.repeat(20_000)};`, /deep|large|stack/],
];

/** The time of a call is that of a machine that does other work as well. */
function withoutTimes(warnings: readonly string[]): readonly string[] {
  return warnings.filter((warning) => !/it took \d+ microseconds/.test(warning));
}

test('a discount of a fixed amount is not refused for what costs next to nothing, but warned of', async (t) => {
  const { problems, warnings } = await scripts.check('export default ({ quantity, price }) => quantity * price - 50;');
  t.deepEqual(problems, []);
  t.deepEqual(withoutTimes(warnings), ['for 1 at 0: it gave a negative amount, -50']);
});

test('what cannot be active is refused, with what is wrong', async (t) => {
  for (const [source, message] of REFUSED) {
    const { problems, amounts } = await scripts.check(source);
    t.regex(problems[0]?.message ?? 'accepted', message, source.slice(0, 80));
    t.deepEqual(amounts, []);
  }
});

test('a dry run over cases of its own gives amounts, the time of a call and warnings', async (t) => {
  const source =
    'export default ({ quantity, price }) => { let n = 0; while (n < 200_000) n += 1; return Math.floor(quantity * price * 1.5) + n * 0; };';
  const seen = await scripts.check(source, [{ quantity: 2, price: 101 }]);
  t.deepEqual(seen.problems, []);
  t.deepEqual(seen.amounts, [303]);
  t.true(seen.microseconds[0]! > 0);
  t.regex(seen.warnings.join('\n'), /binary fractions[^]*more than quantity x price[^]*microseconds/);
  const { warnings } = await scripts.check(TWO_THIRDS);
  // How long a call took depends on what else the machine does.
  t.deepEqual(withoutTimes(warnings), []);
});
