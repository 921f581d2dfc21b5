import { readFileSync } from 'node:fs';
import test from 'ava';
import { auditNames } from '#services/audit/sources.ts';
import { services } from '#services/services.ts';

const page = readFileSync(new URL('../../docs/audit.md', import.meta.url), 'utf8');

test('docs/audit.md has a line for everything that an audit can find, and for nothing else', (t) => {
  const [, table = ''] = /## What is checked\n\n(.*?)\n\n/s.exec(page) ?? [];
  const listed = [...table.matchAll(/^\| `([a-z-]+)`/gm)].map(([, check]) => check ?? '');
  t.deepEqual(listed.toSorted(), auditNames(services).checks.toSorted());
});
