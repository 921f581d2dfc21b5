/** Audits of nothing stored, or of what a test says. */
import type { AuditSources } from '#services/audit/sources.ts';
import { createAuditor, type Auditor, type AuditorParts } from '#services/audit/auditor.ts';
import { auditNames } from '#services/audit/sources.ts';
import { orders } from '#services/order/contract.ts';
import { services } from '#services/services.ts';
import { type AuditedRow, type AuditSource, defineAudit } from '#shared/audit-rule.ts';
import { systemClock } from '#shared/clock.ts';
import { silentLog } from '#shared/log.ts';

export interface AnOrder {
  readonly orderId: string;
  /** What is wrong with it. */
  readonly wrong?: string;
}

function sourceOf(rows: readonly AnOrder[]): AuditSource<AnOrder> {
  return {
    async *pages(size) {
      for (let from = 0; from < rows.length; from += size) yield rows.slice(from, from + size);
    },
    of: async (ids) => rows.filter(({ orderId }) => ids.includes(orderId)),
  };
}

/** Orders, each as wrong as it says, read once `open` has resolved. */
export function sourcesOf(rows: readonly AnOrder[] = [], opened: Promise<void> = Promise.resolve()): AuditSources {
  const rule = defineAudit<AnOrder>({
    of: orders,
    rows: () => sourceOf(rows),
    about: ({ orderId }) => orderId,
    document: ({ orderId }) => `orders/${orderId}`,
    checks: ['hanging'],
    check: (its) => its.flatMap(({ wrong }) => (wrong === undefined ? [] : [{ check: 'hanging', detail: wrong }])),
  });
  const all = rule.rows(undefined as never, orders)!;
  const held: AuditSource<AuditedRow> = {
    of: all.of,
    async *pages(size) {
      await opened;
      yield* all.pages(size);
    },
  };
  return [{ kind: orders, rules: [{ service: 'order', rule, rows: held }] }];
}

export function auditorOf(sources: AuditSources = sourcesOf(), parts: Partial<AuditorParts> = {}): Auditor {
  return createAuditor({
    sources,
    clock: systemClock,
    log: silentLog,
    ...parts,
    names: parts.names ?? auditNames(services),
  });
}
