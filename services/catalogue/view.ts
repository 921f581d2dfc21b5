import type { Connection } from 'mongoose';
import { z } from 'zod';
import type { OfferedProduct } from './contract.ts';
import { productsCollection, type StoredProduct } from './model.ts';
import { listKeysOf } from './name-key.ts';
import type { LivingProduct, ProductState } from './product.ts';
import { exactMoney } from '#services/money.ts';
import { documentsById, type Source } from '#shared/database/pages.ts';
import { foundTogether } from '#shared/database/together.ts';
import { storedAnswerTo } from '#shared/entity/stores/mongo-store.ts';
import type { Page, PageQuery } from '#shared/web/cursors.ts';
import { named, shape, time } from '#shared/web/shapes.ts';

/** A product as the API shows it. */
export const productShape = named(
  'Product',
  shape({
    sku: z.string().describe('Names it in orders and in the stock; never changes.'),
    name: z.string().describe('1 to 200 characters of any script.'),
    description: z.string().optional().describe('More about it, perhaps of several lines.'),
    price: exactMoney.describe('Of one; it may be 0.'),
    categories: z
      .array(z.string())
      .readonly()
      .optional()
      .describe('The ids of the categories that it is in; absent where it is in none, and in the answer to a change.'),
    version: z.int().describe('One more with every change; also its ETag.'),
    createdAt: time.describe('When it was created.'),
    updatedAt: time.describe('When it changed last.'),
  }).meta({
    examples: [
      {
        sku: 'tea',
        name: 'Darjeeling, first flush',
        description: 'Black tea, 100 g.',
        price: { amount: 899, currency: 'EUR' },
        version: 1,
        createdAt: '2026-11-28T13:00:00.000Z',
        updatedAt: '2026-11-28T13:00:00.000Z',
      },
    ],
  }),
);
export type ProductView = z.infer<typeof productShape>;

/** How a deletion ended. */
export type DeletionEnd =
  | { readonly deleted: true }
  | { readonly deleted: false; readonly reserved: number; readonly openOrders: number };

export interface ProductQueries {
  /** Until it is deleted. */
  find(sku: string): Promise<ProductView | undefined>;
  /** In the order of names; `q`: names that begin so, whatever the case and the accents. `cursor`: the `nextCursor` of the page before. */
  list(
    query: PageQuery & {
      readonly q?: string | undefined;
      /** Only those in this one. */ readonly category?: string | undefined;
    },
  ): Promise<Page<ProductView>>;
  /** The ids of the categories of these products, some of which may be gone, of those that there are. */
  categoriesOf(skus: readonly string[]): Promise<ReadonlyMap<string, readonly string[]>>;
  /** What orders need to know of those of these that there are. */
  offered(skus: readonly string[]): Promise<readonly OfferedProduct[]>;
  /** The answer to a change, of any sender; `undefined`: not handled yet. */
  outcome(sku: string, messageId: string): Promise<{ readonly type: string; readonly body: unknown } | undefined>;
  /** `undefined`: not decided yet, or another deletion was decided since. */
  deletion(sku: string, deletion: string): Promise<DeletionEnd | undefined>;
}

const OFFER = { 'state.status': 1, 'state.sku': 1, 'state.name': 1, 'state.price': 1 } as const;

/** Read-only queries on the catalogue's collection. */
export function productView(db: Connection): ProductQueries {
  const products = () => db.collection<StoredProduct>(productsCollection);
  const read = async (sku: string): Promise<ProductState | undefined> =>
    (await products().findOne({ _id: sku }, { projection: { state: 1 } }))?.state;
  const offers = foundTogether(() => products() as never, OFFER);
  return {
    async find(sku) {
      const state = await read(sku);
      return state && shown(state);
    },
    async list({ q = '', category, limit, cursor }) {
      const keys = { ...listKeysOf(q), ...(cursor !== undefined && { $gt: cursor }) };
      const found = await products()
        .find({ ...(category !== undefined && { 'state.categories': category }), 'state.listKey': keys } as object, {
          projection: { state: 1 },
        })
        .sort({ 'state.listKey': 1 })
        .limit(limit + 1)
        .toArray();
      const page = found.slice(0, limit).flatMap(({ state }) => (state?.status === 'deleted' ? [] : (state ?? [])));
      const last = page.at(-1);
      return {
        items: page.flatMap((state) => shown(state) ?? []),
        ...(found.length > limit && { nextCursor: last?.listKey }),
      };
    },
    async categoriesOf(skus) {
      const found = await products()
        .find({ _id: { $in: [...skus] } } as object, { projection: { 'state.status': 1, 'state.categories': 1 } })
        .toArray();
      return new Map(
        found.flatMap(({ _id, state }) =>
          state === undefined || state.status === 'deleted' ? [] : [[_id, state.categories ?? []]],
        ),
      );
    },
    async offered(skus) {
      const found = (await offers(skus)) as ReadonlyMap<string, StoredProduct>;
      return [...new Set(skus)].flatMap((sku) => {
        const state = found.get(sku)?.state;
        return state === undefined || state.status === 'deleted' ? [] : [{ sku, name: state.name, price: state.price }];
      });
    },
    outcome: (sku, messageId) => storedAnswerTo(db, productsCollection, sku, messageId),
    async deletion(sku, deletion) {
      const state = await read(sku);
      return state && endOf(state, deletion);
    },
  };
}

/** A product's state in the API's shape; `undefined` when it was deleted. */
export function shown(state: ProductState): ProductView | undefined {
  return state.status === 'deleted' ? undefined : shownAs(state);
}

type Shown = Pick<LivingProduct, 'sku' | 'name' | 'price' | 'version' | 'createdAt' | 'updatedAt'> & {
  readonly description?: string | undefined;
};

/** What a product is by its content and what a change of it was answered. */
export function shownAs({ sku, name, description, price, version, createdAt, updatedAt }: Shown): ProductView {
  return {
    sku,
    name,
    ...(description !== undefined && { description }),
    price,
    version,
    createdAt: new Date(createdAt).toISOString(),
    updatedAt: new Date(updatedAt).toISOString(),
  };
}

/** How this deletion ended, as far as the product knows. */
export function endOf(state: ProductState, deletion: string): DeletionEnd | undefined {
  switch (state.status) {
    case 'deleted':
      return state.deletion === deletion ? { deleted: true } : undefined;
    case 'deleting':
      return undefined;
    case 'active': {
      const { kept, deletedBefore } = state;
      if (deletedBefore === deletion) return { deleted: true };
      if (kept?.deletion !== deletion) return undefined;
      return { deleted: false, reserved: kept.reserved, openOrders: kept.openOrders };
    }
  }
}

/** What an audit reads of a product; times in epoch ms. */
export interface AuditedProduct {
  readonly sku: string;
  readonly status: ProductState['status'];
  readonly updatedAt?: number;
  /** What the stock has not answered, and since when it is asked. */
  readonly asked?: { readonly what: 'open' | 'close'; readonly askedAt: number };
}

/** Every SKU that there is or was, by itself. */
export function auditedProducts(db: Connection): Source<AuditedProduct> {
  return documentsById<StoredProduct, AuditedProduct>(db, {
    collection: productsCollection,
    fields: { 'state.status': 1, 'state.updatedAt': 1, 'state.asked': 1 },
    row({ _id: sku, state }) {
      if (state === undefined) return undefined;
      if (state.status === 'deleted') return { sku, status: state.status };
      const { status, updatedAt, asked } = state;
      return { sku, status, updatedAt, ...(asked && { asked: { what: asked.what, askedAt: asked.since } }) };
    },
  });
}
