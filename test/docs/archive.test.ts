import { readFileSync } from 'node:fs';
import test from 'ava';
import { archivedCollections } from '#local/commands/archive.ts';

test('the page names every collection that is archived, and no other', (t) => {
  const rows = Array.from(readFileSync('docs/archive.md', 'utf8').matchAll(/^\| `(\w+)` \| `(\w+)` \|/gm));
  const named = rows.map(([, collection = '', archive = '']) => [collection, archive]);
  const moved = archivedCollections.map(([collection]) => [collection, `${collection}_archive`]);
  t.deepEqual(named.toSorted(), moved.toSorted());
});
