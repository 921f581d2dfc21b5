import { spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';
import test from 'ava';
import { p95, stopwatch } from './held-up.ts';

const quick = Array.from({ length: 20 }, () => ({ ms: 10, heldUpMs: 0 }));

test('one slow time of twenty does not count, two do', (t) => {
  t.is(p95([...quick.slice(1), { ms: 900, heldUpMs: 0 }]), 10);
  t.is(p95([...quick.slice(2), { ms: 900, heldUpMs: 0 }, { ms: 800, heldUpMs: 0 }]), 800);
});

test('of a few times the slowest counts, without what the machine added', (t) => {
  t.is(
    p95([
      { ms: 40, heldUpMs: 0 },
      { ms: 70, heldUpMs: 5 },
      { ms: 200, heldUpMs: 180 },
    ]),
    65,
  );
  t.is(p95([]), Number.NaN);
});

function work(ms: number): void {
  const until = performance.now() + ms;
  while (performance.now() < until);
}

test('what this process itself computes or waits for is not taken off; waiting for a core is', async (t) => {
  const idle = stopwatch();
  await new Promise((resolve) => setTimeout(resolve, 100));
  const { ms, heldUpMs } = idle();
  t.true(ms >= 99 && heldUpMs < ms / 2, `${ms} ${heldUpMs}`);
  if (process.platform !== 'linux') return;
  const rivals = Array.from({ length: 3 * availableParallelism() }, () =>
    spawn(process.execPath, ['-e', 'for (;;);'], { stdio: 'ignore' }),
  );
  t.teardown(() => rivals.forEach((rival) => rival.kill('SIGKILL')));
  const busy = stopwatch();
  work(1500);
  const took = busy();
  t.true(took.heldUpMs > 300, `${took.heldUpMs} of ${took.ms} ms`);
  t.true(took.heldUpMs < took.ms, `${took.heldUpMs} of ${took.ms} ms`);
});
