import { readFileSync } from 'node:fs';
import test from 'ava';
import { serviceNames, services, variables } from '#services/services.ts';

/** For tests only. */
const UNTOLD = ['HISTORY_FILE'];

const page = readFileSync('README.md', 'utf8');
const section = page.slice(page.indexOf('## Configuration'), page.indexOf('## How to change it'));

test('the page names every variable that a service reads', (t) => {
  const named = [...section.matchAll(/`([A-Z][A-Z0-9_]+)`/g)].map(([, name]) => name);
  t.deepEqual(
    variables.filter((name) => !UNTOLD.includes(name) && !named.includes(name)),
    [],
  );
});

test('where the page names services before a variable, these read it and no others', (t) => {
  let rows = 0;
  for (const [, owners = '', names = ''] of section.matchAll(/^\| ([a-z, -]+): (`[^|]+) \|/gm)) {
    const listed = owners.split(', ');
    if (!listed.every((owner) => serviceNames.includes(owner))) continue;
    rows += 1;
    for (const [, variable = ''] of names.matchAll(/`([A-Z0-9_]+)`/g)) {
      const readers = services.filter((service) => service.variables.includes(variable)).map(({ name }) => name);
      t.deepEqual(readers.toSorted(), listed.toSorted(), variable);
    }
  }
  t.true(rows >= 10, String(rows));
});
