import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { openLogFiles } from '#local/stack/log-files.ts';

function folder(t: ExecutionContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'log-files-'));
  t.teardown(() => rmSync(dir, { recursive: true }));
  return dir;
}

test('each process has a file of its own, which a later start goes on with, for its owner alone', (t) => {
  const dir = folder(t);
  for (const run of ['first', 'second']) {
    const { write, close } = openLogFiles(dir);
    write('payment', `{"msg":"${run}"}`);
    write('wallet-1', run);
    close();
  }
  t.deepEqual(readdirSync(join(dir, 'log')).toSorted(), ['payment.log', 'wallet-1.log']);
  t.is(readFileSync(join(dir, 'log/payment.log'), 'utf8'), '{"msg":"first"}\n{"msg":"second"}\n');
  t.is(statSync(join(dir, 'log')).mode & 0o777, 0o700);
  t.is(statSync(join(dir, 'log/payment.log')).mode & 0o777, 0o600);
});

test('a long file is put aside; only the last two of those are kept', (t) => {
  const dir = folder(t);
  const { write, close } = openLogFiles(dir, 25);
  for (let n = 1; n <= 12; n += 1) write('payment', `line ${String(n).padStart(4, '0')}`);
  close();
  const read = (name: string): string => readFileSync(join(dir, 'log', name), 'utf8');
  t.deepEqual(readdirSync(join(dir, 'log')).toSorted(), ['payment.1.log', 'payment.2.log']);
  t.is(read('payment.1.log'), 'line 0010\nline 0011\nline 0012\n');
  t.is(read('payment.2.log'), 'line 0007\nline 0008\nline 0009\n');
});
