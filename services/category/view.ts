import type { Connection } from 'mongoose';
import { z } from 'zod';
import { categoriesCollection, type StoredCategory } from './model.ts';
import { storedAnswerTo } from '#shared/entity/stores/mongo-store.ts';
import type { Page, PageQuery } from '#shared/web/cursors.ts';
import { named, shape } from '#shared/web/shapes.ts';

/** A category as the API shows it. */
export const categoryShape = named(
  'Category',
  shape({
    id: z.string().describe('Names it in links and filters.'),
    name: z.string().describe('As it was written; no other category has it, in whatever case.'),
  }).meta({ examples: [{ id: '0193f7a0-5a5a-7000-8000-00004f2a91bc', name: 'Hot drinks' }] }),
);
export type CategoryView = z.infer<typeof categoryShape>;

export interface CategoryQueries {
  find(id: string): Promise<CategoryView | undefined>;
  /** In the order of their names. `cursor`: the `nextCursor` of the page before. */
  list(query: PageQuery): Promise<Page<CategoryView>>;
  /** Those of these ids that there are. */
  existing(ids: readonly string[]): Promise<readonly string[]>;
  /** The answer to a command; `undefined`: not handled yet. */
  outcome(key: string, messageId: string): Promise<{ readonly type: string; readonly body: unknown } | undefined>;
}

/** Read-only queries on the categories. */
export function categoryView(db: Connection): CategoryQueries {
  const categories = () => db.collection<StoredCategory>(categoriesCollection);
  const byId = (ids: readonly string[]) =>
    categories()
      .find({ 'state.id': { $in: [...ids] } } as object, { projection: { state: 1 } })
      .toArray();
  return {
    async find(id) {
      const [found] = await byId([id]);
      return found && shown(found);
    },
    async list({ limit, cursor }) {
      const items: CategoryView[] = [];
      let last = cursor ?? '';
      // Names that are free now are skipped.
      for (;;) {
        const found = await categories()
          .find({ _id: { $gt: last } } as object, { projection: { state: 1 } })
          .sort({ _id: 1 })
          .limit(limit + 1)
          .toArray();
        for (const one of found) {
          const view = shown(one);
          if (view !== undefined && items.length === limit) return { items, nextCursor: last };
          if (view !== undefined) items.push(view);
          last = one._id;
        }
        if (found.length <= limit) return { items };
      }
    },
    async existing(ids) {
      if (ids.length === 0) return [];
      return (await byId(ids)).flatMap((one) => shown(one)?.id ?? []);
    },
    outcome: (key, messageId) => storedAnswerTo(db, categoriesCollection, key, messageId),
  };
}

function shown({ state }: StoredCategory): CategoryView | undefined {
  return state?.status === 'active' ? { id: state.id, name: state.name } : undefined;
}
