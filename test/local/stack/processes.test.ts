import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { endRecorded, isRunning, markOf, recordProcess } from '#local/stack/processes.ts';

const folder = (): string => mkdtempSync(join(tmpdir(), 'processes-'));
function sleeper(script = 'setInterval(() => {}, 1000)'): ChildProcess & { readonly pid: number } {
  const child = spawn(process.execPath, ['-e', script], { detached: true, stdio: 'ignore' });
  if (child.pid === undefined) throw new Error('not started');
  return child as ChildProcess & { readonly pid: number };
}

test('a recorded process that still runs is ended and forgotten', async (t) => {
  const dir = folder();
  const child = sleeper();
  recordProcess(dir, 'wallet', child.pid);
  t.deepEqual(await endRecorded(dir, 5000), ['wallet']);
  t.is(markOf(child.pid), undefined);
  t.false(existsSync(join(dir, 'wallet.json')));
});

test('a process that got the number of a recorded one is left alone', async (t) => {
  const dir = folder();
  const child = sleeper();
  t.teardown(() => child.kill('SIGKILL'));
  writeFileSync(join(dir, 'wallet.json'), JSON.stringify({ pid: child.pid, startedAt: 'another time' }));
  t.deepEqual(await endRecorded(dir, 100), []);
  t.truthy(markOf(child.pid));
});

test('a process that ignores SIGTERM is killed after the grace period, a stopped one too', async (t) => {
  const dir = folder();
  const deaf = sleeper("process.on('SIGTERM', () => {}); setInterval(() => {}, 1000)");
  const frozen = sleeper();
  frozen.kill('SIGSTOP');
  recordProcess(dir, 'deaf', deaf.pid);
  recordProcess(dir, 'frozen', frozen.pid);
  await endRecorded(dir, 300);
  t.is(markOf(deaf.pid), undefined);
  t.is(markOf(frozen.pid), undefined);
});

test('a mark is that of this process only', (t) => {
  const mark = markOf(process.pid);
  t.truthy(mark);
  t.true(mark !== undefined && isRunning(mark));
  t.false(isRunning({ pid: process.pid, startedAt: '1' }));
});

test('unreadable and missing records stop nothing', async (t) => {
  const dir = folder();
  writeFileSync(join(dir, 'wallet.json'), '{');
  t.deepEqual(await endRecorded(dir, 100), []);
  t.deepEqual(await endRecorded(join(dir, 'missing'), 100), []);
});
