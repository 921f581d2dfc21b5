import { mkdtempSync, readFileSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { loadSecrets } from '#local/stack/secrets.ts';

test('secrets are made once, kept, and readable by the owner only', (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'secrets-'));
  const first = loadSecrets(dir, ['wallet']);
  t.deepEqual(loadSecrets(dir, ['wallet']), first);
  t.is(statSync(join(dir, 'secrets.json')).mode & 0o777, 0o600);
  t.true(readFileSync(join(dir, 'secrets.json'), 'utf8').includes(first.brokerAdmin));
});

test('a new service gets a password, the others keep theirs', (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'secrets-'));
  const { brokerPasswords } = loadSecrets(dir, ['wallet']);
  const more = loadSecrets(dir, ['wallet', 'stock']).brokerPasswords;
  t.is(more['wallet'], brokerPasswords['wallet']);
  t.truthy(more['stock']);
  t.not(more['stock'], more['wallet']);
});
