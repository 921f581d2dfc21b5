/** Audits of nothing stored, or of what a test says. */
import type { AuditSources } from '#services/audit/sources.ts';
import { createAuditor, type Auditor, type AuditorParts } from '#services/audit/auditor.ts';
import { auditNames } from '#services/audit/sources.ts';
import { answerAudits } from '#services/audit/answering.ts';
import { AUDIT_REPLY, auditReplySchema } from '#services/audit/contract.ts';
import type { Audits } from '#services/console/audits.ts';
import { orders } from '#services/order/contract.ts';
import { routeTable, services } from '#services/services.ts';
import { type AuditedRow, type AuditSource, defineAudit } from '#shared/audit-rule.ts';
import { createMemoryBroker } from '#shared/bus/memory/memory-bus.ts';
import { topologyOf } from '#shared/bus/topology/topology.ts';
import { systemClock } from '#shared/clock.ts';
import { createAsking } from '#shared/control/ask.ts';
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

/** A door's way to this auditor, over the exchange `control` with the rights that both have. `listens`: whether anybody answers. */
export function auditsOf(
  auditor: Auditor = auditorOf(),
  options: { readonly atOnceMs?: number; readonly listens?: boolean; readonly waitMs?: number } = {},
): Audits {
  const { atOnceMs = 5000, listens = true } = options;
  const { waitMs = atOnceMs + 2000 } = options;
  const broker = createMemoryBroker({ clock: systemClock });
  broker.apply(topologyOf(routeTable, { ttlMs: 10_000, delayMs: 2000 }, 'test'));
  const common = { clock: systemClock, log: silentLog };
  const answering = { ...common, bus: broker.connect('audit'), auditor, hangingAfterMs: 60_000 };
  const heard = listens ? answerAudits(answering) : Promise.resolve();
  const bus = broker.connect('gateway');
  const asking = createAsking({ ...common, bus, replyKey: AUDIT_REPLY, reply: auditReplySchema, waitMs });
  return {
    names: auditor.names,
    atOnceMs,
    async ask(...question) {
      await heard;
      return asking.ask(...question);
    },
  };
}
