import { readFileSync } from 'node:fs';
import test from 'ava';
import { variables } from '#services/services.ts';

/** For tests only. */
const UNTOLD = ['HISTORY_FILE'];

test('the page names every variable that a service reads', (t) => {
  const page = readFileSync('README.md', 'utf8');
  const section = page.slice(page.indexOf('## Configuration'), page.indexOf('## How to change it'));
  const named = [...section.matchAll(/`([A-Z][A-Z0-9_]+)`/g)].map(([, name]) => name);
  t.deepEqual(
    variables.filter((name) => !UNTOLD.includes(name) && !named.includes(name)),
    [],
  );
});
