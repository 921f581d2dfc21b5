import type { DueKey } from './store.ts';

/**
 * At most `limit` of the keys, an equal share of each group; what one leaves goes to the others. Groups are sorted by `dueAt`, and so
 * is the result.
 */
export function fairShare(groups: readonly (readonly DueKey[])[], limit: number): readonly DueKey[] {
  const waiting = groups.filter((group) => group.length > 0).toSorted(([a], [b]) => a!.dueAt - b!.dueAt);
  const chosen: DueKey[] = [];
  for (let rank = 0; chosen.length < limit; rank += 1) {
    const row = waiting.flatMap((group) => group[rank] ?? []);
    if (row.length === 0) break;
    chosen.push(...row.slice(0, limit - chosen.length));
  }
  return chosen.toSorted((a, b) => a.dueAt - b.dueAt);
}
