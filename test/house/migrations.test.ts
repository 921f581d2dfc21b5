/** The files of migrations, and what services say of them. */
import { globSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import test from 'ava';
import { services } from '#services/services.ts';
import { numberOf } from '#shared/database/migrating.ts';

const root = new URL('../../', import.meta.url).pathname;

test('every file of a migration is named by its service, under its own name, and no number twice', (t) => {
  const files = globSync('services/*/migrations/*.ts', { cwd: root }).toSorted();
  const named = services.flatMap(({ name, migrations = [] }) =>
    migrations.map((migration) => `services/${name}/migrations/${migration.name}.ts`),
  );
  t.deepEqual(files, named.toSorted());
  for (const file of files) t.regex(basename(file), /^\d{4}-[a-z0-9-]+\.ts$/, dirname(file));
  const numbers = files.map((file) => numberOf(basename(file)));
  t.is(new Set(numbers).size, numbers.length);
});
