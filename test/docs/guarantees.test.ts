import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { mutations } from '#test/simulation/mutations.ts';

const page = readFileSync('docs/guarantees.md', 'utf8');
const rows = page.split('\n').filter((line) => line.startsWith('| ') && !line.startsWith('| promise'));

test('every file that the guarantees name exists', (t) => {
  const links = Array.from(page.matchAll(/\]\(([^)#]+)\)/g), ([, link]) => link ?? '');
  t.true(links.length > 20);
  t.deepEqual(
    links.filter((link) => !existsSync(join('docs', link))),
    [],
  );
});

test('the defects that the guarantees name are those that `npm run mutations` tries', (t) => {
  const named = rows.flatMap((row) => (row.split('|').at(-2) ?? '').split(';').map((name) => name.trim()));
  t.deepEqual(
    [...new Set(named)].filter((name) => name !== '').toSorted(),
    mutations.map(({ name }) => name).toSorted(),
  );
});

test('every defect can still be made: its place is in the tree exactly once', (t) => {
  const edits = mutations.flatMap((mutation) => [mutation, ...(mutation.and === undefined ? [] : [mutation.and])]);
  for (const { file, find } of edits) t.is(readFileSync(file, 'utf8').split(find).length - 1, 1, `${file}: ${find}`);
});
