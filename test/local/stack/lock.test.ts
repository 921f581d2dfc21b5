import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { holderOf, tryLock, unlock, withLock } from '#local/stack/lock.ts';

const file = (): string => join(mkdtempSync(join(tmpdir(), 'lock-')), 'stack.lock');

test('a lock is taken once and names its holder', (t) => {
  const lock = file();
  t.deepEqual(tryLock(lock), { taken: true });
  t.is(holderOf(lock)?.pid, process.pid);
  t.false(tryLock(lock).taken);
  unlock(lock);
  t.true(tryLock(lock).taken);
});

test('the lock of a process that is gone, or of one that has its number, is taken over', (t) => {
  const gone = file();
  writeFileSync(gone, JSON.stringify({ pid: 2 ** 22 + 1, startedAt: '1' }));
  t.true(tryLock(gone).taken);
  const reused = file();
  writeFileSync(reused, JSON.stringify({ pid: process.pid, startedAt: 'another time' }));
  t.true(tryLock(reused).taken);
  const broken = file();
  writeFileSync(broken, '');
  t.true(tryLock(broken).taken);
});

test('work under one lock does not overlap, and a failure gives the lock back', async (t) => {
  const lock = file();
  let inside = 0;
  const work = async (): Promise<void> => {
    inside += 1;
    t.is(inside, 1);
    await new Promise((resolve) => setImmediate(resolve));
    inside -= 1;
  };
  await Promise.all([withLock(lock, work), withLock(lock, work), withLock(lock, work)]);
  await t.throwsAsync(
    withLock(lock, () => Promise.reject(new Error('failed'))),
    { message: 'failed' },
  );
  t.is(holderOf(lock), undefined);
});
