import type { Group } from './group.ts';
import { everyThing, readAgain } from './reading.ts';
import type { Findings } from './report.ts';
import type { AuditSources, KindSources } from './sources.ts';
import type { AuditFinding } from '#shared/audit-rule.ts';
import type { Clock } from '#shared/clock.ts';

export interface AuditOptions {
  /** How old a thing may be that has not ended. */
  readonly hangingAfterMs: number;
  /** How long what looks wrong may take to become right before it is looked at again. */
  readonly graceMs: number;
}

export interface AuditParts {
  readonly sources: AuditSources;
  readonly clock: Clock;
  readonly pageSize?: number;
}

/** How many things are looked at again together; what looks wrong is remembered up to here. */
const TOGETHER = 200;

/**
 * Reads everything once, in pages, in memory that does not grow with it, and writes nothing. What looks wrong is read
 * again after the grace, twice: it is a violation if it is still wrong both times. Rejects when `signal` is aborted.
 */
export async function audit(
  { sources, clock, pageSize = 500 }: AuditParts,
  { hangingAfterMs, graceMs }: AuditOptions,
  findings: Findings,
  signal: AbortSignal,
): Promise<void> {
  for (const kind of sources) await auditKind(kind);

  async function auditKind(kind: KindSources): Promise<void> {
    let suspects: Group[] = [];
    for await (const group of everyThing(kind, pageSize)) {
      signal.throwIfAborted();
      findings.count({ [kind.kind.name]: 1 });
      if (wrongIn(group).length === 0) findings.add(group.sums());
      else suspects.push(group);
      if (suspects.length < TOGETHER) continue;
      await settle(kind, suspects);
      suspects = [];
    }
    if (suspects.length > 0) await settle(kind, suspects);
  }

  async function settle(kind: KindSources, suspects: readonly Group[]): Promise<void> {
    if (!suspects.every((group) => group.isAtRest(clock.now(), graceMs))) await clock.sleep(graceMs, signal);
    findings.count({ readAgain: suspects.length });
    const wrong = new Map<string, ReadonlySet<string>>();
    const second: Group[] = [];
    for (const group of await readAgain(kind, suspects)) {
      const names = new Set(wrongIn(group).map(({ check }) => check));
      if (names.size === 0) {
        findings.add(group.sums());
        continue;
      }
      wrong.set(group.id, names);
      second.push(group);
    }
    if (second.length === 0) return;
    signal.throwIfAborted();
    for (const group of await readAgain(kind, second)) {
      const still = wrongIn(group).filter(({ check }) => wrong.get(group.id)?.has(check));
      findings.add(group.sums());
      findings.of(group, still);
    }
  }

  function wrongIn(group: Group): readonly AuditFinding[] {
    return group.findings({ now: clock.now(), hangingAfterMs });
  }
}
