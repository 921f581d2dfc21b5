import { chmodSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { privateDir } from '#local/stack/addresses.ts';

test('the folder of a stack is for its owner alone, also one that an earlier version left open', (t) => {
  const parent = mkdtempSync(join(tmpdir(), 'private-'));
  t.teardown(() => rmSync(parent, { recursive: true }));
  const dir = join(parent, '.switchyard');
  privateDir(dir);
  t.is(statSync(dir).mode & 0o777, 0o700);
  chmodSync(dir, 0o755);
  privateDir(dir);
  t.is(statSync(dir).mode & 0o777, 0o700);
});
