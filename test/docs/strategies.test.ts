import { globSync, readFileSync } from 'node:fs';
import test from 'ava';
import { scriptLimits } from '#services/pricing/scripts/limits.ts';
import { LEFT_GLOBALS } from '#services/pricing/scripts/realm-setup.ts';
import { createScriptsInPlace } from '#services/pricing/scripts/scripts-in-place.ts';

const page = readFileSync('docs/strategies.md', 'utf8');
const rows = page
  .split('\n')
  .filter((line) => line.startsWith('| '))
  .map((line) => line.split('|').map((cell) => cell.trim()));
const valueOf = (limit: string): number => Number.parseInt(rows.find(([, name]) => name === limit)?.[2] ?? '', 10);

test('the page names the limits that are enforced', (t) => {
  const named = {
    sourceBytes: valueOf('source'),
    callMs: valueOf('processor time of a call'),
    stuckMs: valueOf('standstill of a thread, processor time'),
    memoryBytes: valueOf('memory of a script, with its engine'),
    stackBytes: valueOf('stack'),
    threadMemoryBytes: valueOf('memory of all scripts of a thread'),
    compiledScripts: valueOf('compiled scripts a thread keeps'),
    compiledBytes: valueOf('memory of compiled scripts a thread keeps'),
    amount: valueOf('an amount, and quantity times price'),
    cases: valueOf('cases of a dry run'),
    dryRunMs: valueOf('processor time of a dry run'),
    slowMicroseconds: valueOf('a slow call'),
  };
  t.deepEqual(named, { ...scriptLimits });
});

test('the page names what a script sees', (t) => {
  const [, listed = ''] = /<!-- globals -->(.*)<!-- \/globals -->/s.exec(page) ?? [];
  t.deepEqual(
    Array.from(listed.matchAll(/`(\w+)`/g), ([, name]) => name),
    [...LEFT_GLOBALS],
  );
});

test('the page shows the shipped strategies as they are, and each passes its dry run', async (t) => {
  const shown = Array.from(
    page.matchAll(/\(\.\.\/(services\/pricing\/strategies\/[\w-]+\.js)\):\n\n```js\n(.*?)```/gs),
  );
  t.deepEqual(shown.map(([, file]) => file).toSorted(), globSync('services/pricing/strategies/*.js').toSorted());
  const scripts = await createScriptsInPlace();
  for (const [, file = '', source = ''] of shown) {
    t.is(source, readFileSync(file, 'utf8'), file);
    t.deepEqual((await scripts.check(source)).problems, [], file);
  }
});

test('the amounts that the page shows are what the strategies give', async (t) => {
  const scripts = await createScriptsInPlace();
  const heads = rows.find(([, name]) => name === 'strategy')?.slice(2, -1) ?? [];
  const lines = heads
    .map((head) => head.split(' at ').map(Number))
    .map(([quantity = 0, price = 0]) => ({ quantity, price }));
  t.is(lines.length, 3);
  for (const file of globSync('services/pricing/strategies/*.js')) {
    const name = file.slice(file.lastIndexOf('/') + 1, -3);
    const source = readFileSync(file, 'utf8');
    const amounts = await scripts.call({ source, version: scripts.versionOf(source) }, lines);
    t.deepEqual(
      rows
        .find(([, first]) => first === name)
        ?.slice(2, -1)
        .map(Number),
      [...amounts],
      name,
    );
  }
});
