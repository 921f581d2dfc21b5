import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';

const page = readFileSync('docs/workers.md', 'utf8');
const proofs = page
  .split('\n')
  .filter((line) => /^\| .*\| .*`(e2e|shared|services|local|support)\//.test(line))
  .join('\n');

test('every file that the page on workers links, and every test that it names, exists', (t) => {
  const links = Array.from(page.matchAll(/\]\(([^)#]+)(?:#[^)]*)?\)/g), ([, link]) => join('docs', link ?? ''));
  const tests = Array.from(
    proofs.matchAll(/`((?:e2e|shared|services|local|support)\/[\w/-]+)`/g),
    ([, name]) => `test/${name}.test.ts`,
  );
  t.true(links.length > 3 && tests.length > 15);
  t.deepEqual(
    [...links, ...tests].filter((path) => !existsSync(path)),
    [],
  );
});
