import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import type { Guarded } from '#local/stack/guardian.ts';
import { projectDir } from '#local/stack/own-process.ts';
import { isRunning, type ProcessMark } from '#local/stack/processes.ts';
import { until } from '#test/support/until.ts';

const FOREVER = 'setInterval(() => {}, 1000)';

function guard(dir: string, scripts: Readonly<Record<string, string>>, graceMs = 2000): ChildProcess {
  const guarded = Object.entries(scripts).map(([name, script]): Guarded => ({
    name,
    command: process.execPath,
    args: ['-e', script],
    env: {},
    graceMs,
    recordDir: dir,
  }));
  const args = [join(projectDir, 'local/stack/guardian.ts'), JSON.stringify(guarded)];
  return spawn(process.execPath, args, { stdio: ['pipe', 'ignore', 'inherit'] });
}

function markIn(dir: string, name: string): ProcessMark | undefined {
  try {
    return JSON.parse(readFileSync(join(dir, `${name}.json`), 'utf8')) as ProcessMark;
  } catch {
    return undefined;
  }
}

async function started(dir: string, name: string): Promise<ProcessMark> {
  await until(`start of ${name}`, async () => markIn(dir, name) !== undefined, Boolean);
  return markIn(dir, name) as ProcessMark;
}

test('what is guarded ends when the parent is gone', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'guardian-'));
  const guardian = guard(dir, { first: FOREVER, second: FOREVER });
  const marks = [await started(dir, 'first'), await started(dir, 'second')];
  guardian.stdin?.destroy();
  await until('the end of both', async () => !marks.some(isRunning), Boolean);
  await until('the end of the guardian', async () => guardian.exitCode !== null, Boolean);
  t.is(guardian.exitCode, 0);
});

test('what ignores SIGTERM is killed', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'guardian-'));
  const guardian = guard(dir, { deaf: `process.on('SIGTERM', () => {}); ${FOREVER}` }, 200);
  const mark = await started(dir, 'deaf');
  guardian.kill('SIGTERM');
  await until('its end', async () => !isRunning(mark), Boolean);
  t.pass();
});

test('when one of several ends, all end, with its code', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'guardian-'));
  const told = join(dir, 'told');
  const ends = `setInterval(() => require('node:fs').existsSync(${JSON.stringify(told)}) && process.exit(7), 20)`;
  const guardian = guard(dir, { stays: FOREVER, ends });
  const mark = await started(dir, 'stays');
  writeFileSync(told, '');
  await until('the end of the guardian', async () => guardian.exitCode !== null, Boolean);
  t.is(guardian.exitCode, 7);
  t.false(isRunning(mark));
});

test('what a killed guardian left running is ended before it is started again', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'guardian-'));
  const killed = guard(dir, { server: FOREVER });
  const left = await started(dir, 'server');
  killed.kill('SIGKILL');
  await until('the end of the guardian', async () => killed.signalCode !== null, Boolean);
  t.true(isRunning(left));
  const next = guard(dir, { server: FOREVER });
  t.teardown(() => next.kill('SIGTERM'));
  await until('a second server', async () => markIn(dir, 'server')?.pid !== left.pid, Boolean);
  t.false(isRunning(left));
});
