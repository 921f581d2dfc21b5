import { Gauge, type Registry } from 'prom-client';
import type { Audit } from './auditor.ts';

/** The last audit that this process ran to its end, as gauges; the returned function is told of each. */
export function auditMeter(metrics: Registry): (audit: Audit, durationMs: number) => void {
  const registers = [metrics];
  const violations = new Gauge({
    name: 'switchyard_audit_violations',
    help: 'Violations that the last audit found, by check',
    labelNames: ['check'],
    registers,
  });
  const endedAt = new Gauge({
    name: 'switchyard_audit_last_run_timestamp_seconds',
    help: 'When the last audit ended; absent or 0: none did',
    registers,
  });
  const duration = new Gauge({
    name: 'switchyard_audit_duration_seconds',
    help: 'How long the last audit took',
    registers,
  });
  const checked = new Gauge({
    name: 'switchyard_audit_checked',
    help: 'How many of what the last audit checked',
    labelNames: ['of'],
    registers,
  });
  return (audit, durationMs) => {
    for (const [check, count] of Object.entries(audit.byCheck)) violations.set({ check }, count);
    endedAt.set(Date.parse(audit.endedAt ?? audit.startedAt) / 1000);
    duration.set(durationMs / 1000);
    for (const [of, count] of Object.entries(audit.checked)) checked.set({ of }, count);
  };
}
