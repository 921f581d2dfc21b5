/** An audit's sources whose pages are of two moments, and which are slow when asked again: all that could mislead it. */
import type { AuditSources } from '#services/audit/sources.ts';
import type { AuditSource } from '#shared/audit-rule.ts';
import { systemClock } from '#shared/clock.ts';

function slow<Row>({ pages, of }: AuditSource<Row>): AuditSource<Row> {
  return {
    pages,
    async *of(ids, known) {
      await systemClock.sleep(40 * systemClock.random());
      const found = of(ids, known);
      if (Symbol.asyncIterator in found) yield* found;
      else yield await found;
    },
  };
}

async function early<Row>(pages: AsyncIterable<readonly Row[]>): Promise<() => AsyncGenerator<readonly Row[]>> {
  const all: (readonly Row[])[] = [];
  for await (const page of pages) all.push(page);
  return async function* read() {
    yield* all;
  };
}

/** What lies between the beginning and the end of the reading is read now, `ms` before the rest. */
export async function torn(sources: AuditSources, ms: number, size: number): Promise<AuditSources> {
  const tornKinds = [];
  for (const { kind, rules } of sources) {
    const its = [];
    for (const bound of rules) {
      const { rule, rows } = bound;
      const pages = rule.reads === 'between' ? await early(rows.pages(size)) : (many: number) => rows.pages(many);
      its.push({ ...bound, rows: slow({ ...rows, pages }) });
    }
    tornKinds.push({ kind, rules: its });
  }
  await systemClock.sleep(ms);
  return tornKinds;
}
