import { createAuditor } from '#services/audit/auditor.ts';
import { auditMeter } from '#services/audit/metrics.ts';
import { auditNames, auditSources } from '#services/audit/sources.ts';
import type { Audits } from './audit-routes.ts';
import type { Kit } from '#shared/host/kit.ts';

interface AuditsKit extends Pick<
  Kit<{ readonly MONGO_URL: string }>,
  'clock' | 'db' | 'log' | 'metrics' | 'onStop' | 'services'
> {
  readonly config: { readonly STEP_DEADLINE_MS: number; readonly SAGA_DEADLINE_MS: number };
}

/** Audits in this process; the one that runs ends with it. */
export function createAudits({ clock, config, db, log, metrics, onStop, services }: AuditsKit): Audits {
  const auditor = createAuditor({
    sources: auditSources(db, services),
    names: auditNames(services),
    clock,
    log,
    onDone: auditMeter(metrics),
  });
  onStop(() => auditor.stop());
  // Forward, then (after the undos, which end when their services answer) the closing mail has as long again.
  return { auditor, hangingAfterMs: config.STEP_DEADLINE_MS + 2 * config.SAGA_DEADLINE_MS };
}
