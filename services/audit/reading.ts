import { createGroup, type Group } from './group.ts';
import type { KindSources } from './sources.ts';
import type { AuditedRow } from '#shared/audit-rule.ts';
import { leastOf, openRows, type Rows } from '#shared/database/side-by-side.ts';

/**
 * Every thing with its rows. They are not of one moment, so what they show is but a suspicion; where a source is not quite in the
 * order of the ids, a thing comes in parts, never not at all.
 */
export async function* everyThing(sources: KindSources, size: number): AsyncGenerator<Group> {
  const opened: Rows<AuditedRow>[] = [];
  const next = (): string | undefined => leastOf(opened.map(({ head }) => head?.about));
  try {
    for (const { rows } of sources.rules) opened.push(await openRows(rows.pages(size)));
    for (let id = next(); id !== undefined; id = next()) {
      const group = createGroup(sources, id);
      for (const [rule, rows] of opened.entries()) {
        for (let { head } = rows; head?.about === id; { head } = rows) {
          group.add(rule, head);
          await rows.next();
        }
      }
      yield group;
    }
  } finally {
    for (const rows of opened) await rows.close();
  }
}

/**
 * These things as they are now, what tells how they ended first, so that all that it brought about is in the rest; what tells that
 * they exist last, so that nothing is there before its thing.
 */
export async function readAgain(sources: KindSources, before: readonly Group[]): Promise<readonly Group[]> {
  const known = [...new Map(before.map((group) => [group.id, group])).values()];
  const groups = new Map(known.map(({ id }) => [id, createGroup(sources, id)]));
  const ids = [...groups.keys()];
  const things = known.map((group) => group.thing());
  for (const [rule, { rows }] of sources.rules.entries()) {
    const found = rows.of(ids, things);
    const pages = Symbol.asyncIterator in found ? found : [await found];
    for await (const page of pages) for (const row of page) groups.get(row.about)?.add(rule, row);
  }
  return [...groups.values()];
}
