/** Audits of nothing stored, or of what a test says. */
import type { AuditSources } from '#services/audit/reading.ts';
import { createAuditor, type Auditor, type AuditorParts } from '#services/audit/auditor.ts';
import { systemClock } from '#shared/clock.ts';
import { silentLog } from '#shared/log.ts';
import type { Source } from '#shared/database/pages.ts';

export function sourceOf<Row extends { readonly orderId: string }>(rows: readonly Row[] = []): Source<Row> {
  return {
    async *pages(size) {
      for (let from = 0; from < rows.length; from += size) yield rows.slice(from, from + size);
    },
    of: async (keys) => rows.filter(({ orderId }) => keys.includes(orderId)),
  };
}

function sourcesOf(changes: Partial<AuditSources> = {}): AuditSources {
  return {
    accepted: sourceOf(),
    sagas: sourceOf(),
    payments: sourceOf(),
    own: {},
    mails: sourceOf(),
    entries: sourceOf(),
    orders: sourceOf(),
    wallets: { async *pages() {}, of: async () => [] },
    async *ledger() {},
    ...changes,
  };
}

export function auditorOf(changes: Partial<AuditSources> = {}, parts: Partial<AuditorParts> = {}): Auditor {
  return createAuditor({ sources: sourcesOf(changes), clock: systemClock, log: silentLog, ...parts });
}

/** A source that is read only once `open` was called. */
export function held<Row extends { readonly orderId: string }>(rows: readonly Row[] = []) {
  const { promise, resolve } = Promise.withResolvers<void>();
  const source: Source<Row> = {
    async *pages(size) {
      await promise;
      yield* sourceOf(rows).pages(size);
    },
    of: sourceOf(rows).of,
  };
  return { source, open: () => resolve() };
}
