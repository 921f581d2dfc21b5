import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { markOf } from '#local/stack/processes.ts';
import { type RestartPolicy, supervise, type Supervised } from '#local/stack/supervisor.ts';
import { until } from '#test/support/until.ts';

interface World {
  readonly supervised: Supervised;
  readonly lines: readonly string[];
  readonly givenUp: readonly string[];
}

function run(t: ExecutionContext, script: string, policy?: Partial<RestartPolicy>, stopGraceMs = 5000): World {
  const [lines, givenUp]: [string[], string[]] = [[], []];
  const supervised = supervise(
    { name: 'child', command: process.execPath, args: ['-e', script], env: {}, stopGraceMs },
    {
      recordDir: mkdtempSync(join(tmpdir(), 'supervisor-')),
      output: (_source, line) => lines.push(line),
      tell: (level, text) => lines.push(`${level}: ${text}`),
      onGivenUp: (_name, reason) => givenUp.push(reason),
      policy: { backoff: { baseMs: 10, capMs: 20 }, maxRestarts: 5, windowMs: 60_000, ...policy },
    },
  );
  t.teardown(() => supervised.stop());
  return { supervised, lines, givenUp };
}

const FOREVER = "console.log('up'); setInterval(() => {}, 1000)";
const ups = (world: World): number => world.lines.filter((line) => line === 'up').length;

test('a killed process is started again', async (t) => {
  const world = run(t, FOREVER);
  await until('the first life', async () => ups(world) === 1, Boolean);
  const first = world.supervised.pid();
  t.true(world.supervised.kill('SIGKILL'));
  await until('the second life', async () => ups(world) === 2, Boolean);
  t.not(world.supervised.pid(), first);
  t.is(world.supervised.restarts(), 1);
});

test('a process that keeps ending is given up, and says so', async (t) => {
  const world = run(t, 'process.exit(3)');
  await until('giving up', async () => world.givenUp.length > 0, Boolean);
  t.regex(world.givenUp[0] ?? '', /ended 6 times in 60 s, last with code 3/);
  t.is(world.supervised.pid(), undefined);
  t.is(world.supervised.restarts(), 5);
});

test('every restart in a row waits longer', async (t) => {
  const world = run(t, 'process.exit(3)', { backoff: { baseMs: 20, capMs: 10_000 } });
  await until('giving up', async () => world.givenUp.length > 0, Boolean, { limitMs: 30_000 });
  const waits = world.lines.flatMap((line) => /starting it again in (\d+) ms/.exec(line)?.[1] ?? []).map(Number);
  t.is(waits.length, 5);
  for (const [index, ms] of waits.entries()) t.true(ms >= 10 * 2 ** index && ms <= 20 * 2 ** index, waits.join());
});

test('ends that lie far enough apart are not counted together', async (t) => {
  const world = run(t, 'setTimeout(() => process.exit(3), 100)', { maxRestarts: 1, windowMs: 50 });
  await until('many lives', async () => world.supervised.restarts() >= 4, Boolean);
  t.deepEqual(world.givenUp, []);
});

test('a process that refuses its configuration is not started again', async (t) => {
  const world = run(t, 'process.exit(78)');
  await until('giving up', async () => world.givenUp.length > 0, Boolean);
  t.is(world.supervised.restarts(), 0);
});

test('a stopped process stays stopped until it is started', async (t) => {
  const world = run(t, FOREVER);
  await until('the first life', async () => ups(world) === 1, Boolean);
  const pid = world.supervised.pid() ?? 0;
  await world.supervised.stop();
  t.is(markOf(pid), undefined);
  t.is(world.supervised.restarts(), 0);
  world.supervised.start();
  await until('the second life', async () => ups(world) === 2, Boolean);
});

test('a process that ignores SIGTERM, or is frozen, is killed after the grace period', async (t) => {
  const deaf = run(t, `process.on('SIGTERM', () => {}); ${FOREVER}`, {}, 200);
  await until('the first life', async () => ups(deaf) === 1, Boolean);
  await deaf.supervised.stop();
  t.true(deaf.lines.some((line) => line.startsWith('warn: child did not end within 200 ms')));
  const frozen = run(t, FOREVER);
  await until('the first life', async () => ups(frozen) === 1, Boolean);
  frozen.supervised.kill('SIGSTOP');
  await frozen.supervised.stop();
  t.is(frozen.supervised.pid(), undefined);
});
