import { availableParallelism } from 'node:os';
import { systemClock, type Clock } from '#shared/clock.ts';
import { unfitAmong } from './amount.ts';
import type { DryRunSeen } from './batch.ts';
import { type Case, type DryRun, ScriptFailure, type Scripts, type Strategy } from './contract.ts';
import { REPRESENTATIVE } from './dry-run.ts';
import { type ScriptLimits, scriptLimits } from './limits.ts';
import { createLane, endedBy, type Lane } from './pool.ts';
import { startThread, type Thread, ThreadEnded } from './thread-host.ts';
import { versionOf } from './version.ts';

/** Slow scripts hold each other up only in one thread; more threads than this cost memory that nobody misses. */
const USUAL_THREADS = Math.min(4, availableParallelism());

export interface ScriptsSettings {
  readonly limits?: Partial<ScriptLimits>;
  /** Threads that calls run in; a version stays with one. Absent: one for each core, four at most. */
  readonly threads?: number;
  readonly clock?: Clock;
}

/** Scripts in threads of their own, which start with the first call. Dry runs have one for themselves, so that they delay no call. */
export function createScripts({
  limits: own,
  threads = USUAL_THREADS,
  clock = systemClock,
}: ScriptsSettings = {}): Scripts {
  const limits = { ...scriptLimits, ...own };
  const lanes: Lane[] = Array.from({ length: threads }, () => createLane(limits, clock));
  let trying: Thread | undefined;
  let turn: Promise<unknown> = Promise.resolve();
  let isClosed = false;

  const dryRun = async (source: string, cases: readonly Case[]): Promise<DryRunSeen> => {
    if (isClosed) throw new Error('scripts are closed');
    trying ??= startThread(limits, clock);
    try {
      const told = await trying.ask({ dryRun: { source, cases } });
      if (!('seen' in told)) throw new Error('a thread answered something else');
      return told.seen;
    } catch (error) {
      trying = undefined;
      if (!(error instanceof ThreadEnded) || error.why === 'closed' || error.why === 'unready') throw error;
      return { problems: [{ message: endedBy(error, limits).message }], warnings: [], amounts: [], microseconds: [] };
    }
  };

  return {
    versionOf,
    async check(source, cases = REPRESENTATIVE): Promise<DryRun> {
      // One after another: an upload can wait, and threads are few.
      const seen = turn.then(() => dryRun(source, cases));
      turn = seen.catch(() => {});
      return { version: versionOf(source), ...(await seen) };
    },
    call(strategy: Strategy, cases: readonly Case[], deadline = Infinity) {
      const unfit = unfitAmong(cases, limits.amount);
      if (unfit) return Promise.reject(new ScriptFailure(unfit));
      const { promise, resolve, reject } = Promise.withResolvers<readonly number[]>();
      laneOf(lanes, strategy.version).add({ strategy, cases, deadline, resolve, reject });
      return promise;
    },
    async close() {
      isClosed = true;
      await Promise.all([...lanes.map((lane) => lane.close()), trying?.end()]);
    },
  };
}

function laneOf(lanes: readonly Lane[], version: string): Lane {
  return lanes[Number.parseInt(version.slice(0, 6), 16) % lanes.length] ?? lanes[0]!;
}
