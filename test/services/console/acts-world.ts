import type { Act, Acts } from '#services/console/acts.ts';

/** Acts in memory, the oldest first. */
export function createMemoryActs(): Acts & { readonly all: readonly Act[] } {
  const all: Act[] = [];
  return {
    all,
    async record(act) {
      all.push(act);
    },
    async list({ limit, cursor }) {
      const older = all.toReversed().filter(({ id }) => cursor === undefined || id < cursor);
      const items = older.slice(0, limit);
      const last = items.at(-1);
      return older.length > limit && last ? { items, nextCursor: last.id } : { items };
    },
  };
}
