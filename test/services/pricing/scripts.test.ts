import test from 'ava';
import { type Case, ScriptFailure } from '#services/pricing/scripts/contract.ts';
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
  const leaving = new AbortController();
  const loop = strategyOf('export default ({ quantity }) => { while (quantity === 7); return quantity; };');
  const loops = Array.from({ length: 200 }, () => one.call(loop, [{ quantity: 7, price: 1 }], leaving.signal));
  const behind = one.call(loop, [{ quantity: 2, price: 1 }]);
  const ended = Promise.allSettled(loops);
  t.deepEqual(await one.call(strategyOf(TWO_THIRDS), [{ quantity: 3, price: 100 }]), [200]);
  leaving.abort(new Error('late'));
  t.deepEqual(await behind, [2]);
  const seen = (await ended).map((each) => (each.status === 'rejected' ? (each.reason as Error).message : ''));
  t.true(seen.filter((message) => message === 'late').length > 150, 'most were not made');
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

test('a dry run says what is wrong and where', async (t) => {
  const { problems } = await scripts.check('export default ({ quantity }) => {\n  return quantity +;\n};');
  t.deepEqual(problems, [{ message: 'Unexpected token', line: 2, column: 20 }]);
  const thrown = await scripts.check('export default ({ quantity }) => {\n  return quantity.a.b;\n};');
  t.like(thrown.problems[0], { line: 2 });
});
