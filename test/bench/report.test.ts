import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { blocksOf, withBlocks } from '#bench/report/page.ts';
import { type ArmResult, merged, type Results, withTurn } from '#bench/results.ts';
import { committedResults } from '#bench/results-file.ts';
import { shapeOfSaga } from '#bench/against/shape.ts';

const page = readFileSync('docs/performance.md', 'utf8');

const arm = (name: string, of: string, values: Readonly<Record<string, readonly number[]>>, more = {}): ArmResult => ({
  name,
  title: name,
  group: 'loop',
  takenAt: '2026-01-01T00:00:00.000Z',
  seconds: 1,
  coresOfOthers: [0.1],
  cases: [{ of, values }],
  ...more,
});
const results = (...arms: readonly ArmResult[]): Results => ({
  machine: { cores: 2, memoryGb: 8, cpu: 'a CPU' },
  versions: { Node: '24.0.0' },
  saga: { messages: 22, deliveries: 22, steps: 11 },
  arms,
});
const FULL = '500 in flight';

test('the figures of the page are those of the newest committed results', (t) => {
  const committed = committedResults();
  if (committed === undefined) t.false(/<!-- figures: \w+ -->\n(?!<!-- end -->)/.test(page), 'figures of no results');
  else t.is(withBlocks(page, blocksOf(committed)), page);
});

test('every table that can be made is on the page, and the page asks for no other', (t) => {
  const asked = Array.from(page.matchAll(/<!-- figures: (\w+) -->/g), ([, name]) => name);
  t.deepEqual(asked.toSorted(), Object.keys(blocksOf(results())).toSorted());
  t.throws(() => withBlocks('<!-- figures: weather -->\n<!-- end -->', {}), { message: /weather/ });
});

test('a ratio in a table is the median of the ratios of the rounds', (t) => {
  const { loop } = blocksOf(
    results(
      arm('bare', FULL, { messagesPerS: [1000, 100, 1000] }),
      arm('embedded', FULL, { messagesPerS: [500, 50, 500], sagasPerS: [25, 2.5, 25] }),
    ),
  );
  t.regex(loop!, /\| embedded \| 500 \| 25 \| 500 \| 0\.50 \|/);
});

test('an aim is reached, missed, or was not measured', (t) => {
  const { aims } = blocksOf(
    results(
      arm('bare', FULL, { messagesPerS: [1000] }),
      arm('embedded', FULL, { messagesPerS: [500] }),
      arm('memory', FULL, { messagesPerS: [700] }),
    ),
  );
  t.regex(aims!, /embedded database, 500 in flight.*\| 0\.50 \| yes \|/);
  t.regex(aims!, /memory store, 500 in flight.*\| 0\.70 \| \*\*no\*\* \|/);
  t.regex(aims!, /at rest.*\| not measured \|  \|/);
});

test('many slow lines are told beside one, and the best of the loads is what an aim is held against', (t) => {
  const loads = [
    { of: '64 in flight', values: { perS: [1500] } },
    { of: '256 in flight', values: { perS: [2100] } },
    { of: '1 lines that wait', values: { p50Ms: [50, 50] } },
    { of: '16 lines that wait', values: { p50Ms: [60, 100] } },
  ];
  const { baskets, slowlines, aims } = blocksOf(
    results(arm('baskets-one', '', {}, { group: 'baskets', cases: loads })),
  );
  t.false(baskets!.includes('that wait'));
  t.regex(slowlines!, /\| 16 lines that wait \| 80 \| 1\.60 \|/);
  t.regex(aims!, /2,000\/s \| 2,100\/s \| yes \|/);
  t.regex(aims!, /16 lines that wait.*\| 1\.60 times one \| \*\*no\*\* \|/);
});

test('what was measured beside others says so, and what was not measured says why', (t) => {
  const { loop, machine } = blocksOf(
    results(
      arm('memory', FULL, { sagasPerS: [5] }, { coresOfOthers: [0.1, 0.9, 0.8] }),
      arm('embedded', FULL, {}, { cases: [], cannotRun: 'no database\nmore words' }),
    ),
  );
  t.regex(loop!, /\| memory \(busy\) \|/);
  t.regex(loop!, /\| embedded \| not measured: no database \|/);
  t.regex(machine!, /1 of 2 arms were measured while others used the machine/);
});

test('a later run replaces the arms that it has and keeps the others', (t) => {
  const old = results(arm('a', FULL, { perS: [1] }), arm('b', FULL, { perS: [1] }));
  const both = merged(old, results(arm('b', FULL, { perS: [2] })), ['b', 'a']);
  t.deepEqual(
    both.arms.map(({ name, cases }) => [name, cases[0]?.values['perS']]),
    [
      ['b', [2]],
      ['a', [1]],
    ],
  );
});

test('turns add up by case', (t) => {
  const first = withTurn([], [{ of: 'x', values: { perS: 1.23456 } }]);
  t.deepEqual(withTurn(first, [{ of: 'x', values: { perS: 2 } }]), [{ of: 'x', values: { perS: [1.235, 2] } }]);
});

test('the page says how many messages a saga has now', async (t) => {
  const { messages } = await shapeOfSaga();
  t.true(
    page.includes(`**${messages.length} messages**`),
    'measure again, or say what the figures are of: npm run bench -- --final',
  );
});

test('every file that the page links exists', (t) => {
  const links = Array.from(page.matchAll(/\]\(([^)#:]+)\)/g), ([, link]) => link ?? '');
  t.true(links.length > 1);
  for (const link of links) t.true(existsSync(join('docs', link)), link);
});
