/** What a busy machine adds to a time that was measured, told by the kernel: how long the threads were ready to run and did not. */
import { readFileSync } from 'node:fs';

export interface Took {
  readonly ms: number;
  /** Of these, ms for which the processes on the way waited for a core. */
  readonly heldUpMs: number;
}

/** How long the main threads of these processes have waited for a core until now, ms each. 0 where nobody counts it (it is Linux that does). */
function waitedMs(pids: readonly number[]): readonly number[] {
  return pids.map((pid) => {
    try {
      return Number(readFileSync(`/proc/${pid}/schedstat`, 'utf8').split(' ')[1]) / 1e6;
    } catch {
      return 0;
    }
  });
}

/** Starts a measurement; what it returns ends it. `others`: processes on the way besides this one. */
export function stopwatch(others: readonly (number | undefined)[] = []): (tookMs?: number) => Took {
  const pids = [process.pid, ...others.filter((pid) => pid !== undefined)];
  const before = waitedMs(pids);
  const startedAt = performance.now();
  return (tookMs = performance.now() - startedAt) => {
    // One that ended meanwhile has nothing to tell.
    const heldUpMs = waitedMs(pids).reduce((sum, waited, index) => sum + Math.max(0, waited - before[index]!), 0);
    return { ms: tookMs, heldUpMs };
  };
}

/** The time below which 95 of 100 stay, without what the machine added. The slowest, of fewer than twenty. */
export function p95(times: readonly Took[]): number {
  const own = times.map(({ ms, heldUpMs }) => Math.max(0, ms - heldUpMs)).toSorted((a, b) => a - b);
  return own[Math.ceil(own.length * 0.95) - 1] ?? Number.NaN;
}

/** For the message of a failed test: `12.3 (of which 4.5 waiting for a core), ...`. */
export function shownTimes(times: readonly Took[]): string {
  return times.map(({ ms, heldUpMs }) => `${ms.toFixed(1)} (${heldUpMs.toFixed(1)} waiting for a core)`).join(', ');
}
