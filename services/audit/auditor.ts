import { audit, type AuditOptions, type AuditParts } from './audit.ts';
import { createFindings, type AuditReport } from './report.ts';
import type { AuditNames } from './sources.ts';
import { reasonOf } from '#shared/errors.ts';
import type { Log } from '#shared/log.ts';

export interface AuditRequest extends AuditOptions {
  /** How many violations are listed; all are counted. */
  readonly limit: number;
}

/** One run, while it runs and afterwards. */
export interface Audit extends AuditReport, AuditRequest {
  readonly id: string;
  readonly state: 'running' | 'done' | 'failed';
  readonly startedAt: string;
  readonly endedAt?: string;
  /** Why it failed. */
  readonly problem?: string;
}

export interface Auditor {
  /** What its audits tell of. */
  readonly names: AuditNames;
  /** `undefined`: one runs already, or it stops. */
  start(id: string, request: AuditRequest): Audit | undefined;
  /** The one that runs, or the last ten that ended. */
  find(id: string): Audit | undefined;
  /** Newest first. */
  all(): readonly Audit[];
  /** Resolves when it has ended. */
  ended(id: string): Promise<void>;
  /** Ends the one that runs, as failed. */
  stop(): Promise<void>;
}

export interface AuditorParts extends AuditParts {
  readonly names: AuditNames;
  readonly log: Log;
  /** Told of every run that was done. */
  onDone?(audit: Audit, durationMs: number): void;
}

const KEPT = 10;

interface Run {
  readonly show: () => Audit;
  readonly ended: Promise<void>;
}

/** Runs one audit at a time, and remembers the last ones as long as the process lives. */
export function createAuditor(parts: AuditorParts): Auditor {
  const { clock, log, names, onDone } = parts;
  const runs = new Map<string, Run>();
  const stopping = new AbortController();
  let running: string | undefined;

  function begin(id: string, request: AuditRequest): Run {
    const startedAt = clock.now();
    const findings = createFindings(request.limit, names);
    let outcome: Pick<Audit, 'state' | 'endedAt' | 'problem'> = { state: 'running' };
    const show = (): Audit => ({
      id,
      startedAt: iso(startedAt),
      ...outcome,
      ...request,
      ...findings.report(),
    });
    const run = async (): Promise<void> => {
      try {
        await audit(parts, request, findings, stopping.signal);
        outcome = { state: 'done', endedAt: iso(clock.now()) };
        const { violations, checked } = findings.report();
        log[violations > 0 ? 'error' : 'info']('audit', { audit: id, violations, ...checked });
        onDone?.(show(), clock.now() - startedAt);
      } catch (error) {
        outcome = { state: 'failed', endedAt: iso(clock.now()), problem: reasonOf(error) };
        log.warn('an audit failed', { audit: id, reason: reasonOf(error) });
      }
      running = undefined;
    };
    return { show, ended: run() };
  }

  return {
    names,
    start(id, request) {
      if (running !== undefined || stopping.signal.aborted) return undefined;
      running = id;
      const run = begin(id, request);
      runs.set(id, run);
      for (const old of [...runs.keys()].slice(0, -KEPT)) runs.delete(old);
      return run.show();
    },
    find: (id) => runs.get(id)?.show(),
    all: () => [...runs.values()].map(({ show }) => show()).toReversed(),
    ended: async (id) => runs.get(id)?.ended,
    async stop() {
      stopping.abort(new Error('the process that runs it stops'));
      await Promise.all([...runs.values()].map(({ ended }) => ended));
    },
  };
}

function iso(epochMs: number): string {
  return new Date(epochMs).toISOString();
}
