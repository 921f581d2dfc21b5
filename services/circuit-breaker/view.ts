import type { Connection } from 'mongoose';
import { type StoredTransition, transitionsCollection } from './history.ts';
import type { Page, PageQuery } from '#shared/web/cursors.ts';

export interface BreakerQueries {
  /** Newest first. `cursor` is the `nextCursor` of the page before; anything else is ignored. */
  transitions(route: string, query: PageQuery): Promise<Page<object>>;
}

/** Read-only queries on the breaker's history. */
export function breakerView(db: Connection): BreakerQueries {
  return {
    async transitions(route, { limit, cursor }) {
      const found = await db
        .collection<StoredTransition>(transitionsCollection)
        .find({ route, ...below(cursor) })
        .sort({ at: -1, generation: -1 })
        .limit(limit + 1)
        .toArray();
      const page = found.slice(0, limit);
      const items = page.map(({ from, to, at, cycle, expired, cause, generation }) => ({
        from,
        to,
        at: at.toISOString(),
        cycle,
        expired,
        cause,
        generation,
      }));
      const last = page.at(-1);
      return found.length > limit && last
        ? { items, nextCursor: `${last.at.getTime()}-${last.generation}` }
        : { items };
    },
  };
}

function below(cursor: string | undefined): object {
  const [, at, generation] = /^([0-9]{1,15})-([0-9]{1,15})$/.exec(cursor ?? '') ?? [];
  if (at === undefined || generation === undefined) return {};
  const time = new Date(Number(at));
  return { $or: [{ at: { $lt: time } }, { at: time, generation: { $lt: Number(generation) } }] };
}
