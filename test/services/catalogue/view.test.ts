import test, { type ExecutionContext } from 'ava';
import type { Connection } from 'mongoose';
import { productIndexes, productsCollection } from '#services/catalogue/model.ts';
import { listKeyOf, listKeysOf } from '#services/catalogue/name-key.ts';
import type { ProductState } from '#services/catalogue/product.ts';
import { productView } from '#services/catalogue/view.ts';
import { createMongoStore } from '#shared/entity/stores/mongo-store.ts';
import { emptyDocument } from '#shared/entity/document.ts';
import { freshDatabase } from '#test/support/stored.ts';

const documents = { collection: productsCollection, indexes: productIndexes };

function product(sku: string, name: string): ProductState {
  const price = { amount: 899, currency: 'EUR' } as const;
  return { status: 'active', sku, name, price, listKey: listKeyOf(name, sku), version: 1, createdAt: 1, updatedAt: 1 };
}

async function stored(t: ExecutionContext, states: readonly ProductState[]): Promise<Connection> {
  const db = await freshDatabase(t);
  const store = createMongoStore<ProductState>(db, documents);
  await store.prepare();
  await store.commit(
    states.map((state) => ({
      over: 0,
      document: { ...emptyDocument<ProductState>(state.sku), version: 1, state, handled: [{ id: 'm1' }] },
    })),
  );
  return db;
}

const goods = [
  product('tea-2', 'Tée with honey'),
  product('tea-1', 'tea'),
  product('tea-3', 'TEA'),
  product('mug', 'Mug'),
  product('pot', 'Teapot'),
  { status: 'deleted', sku: 'gone', version: 2 },
] as const satisfies readonly ProductState[];

test('a list is in the order of names, page by page, without what was deleted', async (t) => {
  const view = productView(await stored(t, goods));
  const skus: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await view.list({ limit: 2, cursor });
    t.true(page.items.length <= 2);
    skus.push(...page.items.map(({ sku }) => sku));
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  t.deepEqual(skus, ['mug', 'tea-1', 'tea-3', 'pot', 'tea-2']);
});

test('a search by the beginning of a name finds it whatever its case and accents, page by page', async (t) => {
  const view = productView(await stored(t, goods));
  const found = async (q: string) => (await view.list({ q, limit: 10 })).items.map(({ sku }) => sku);
  t.deepEqual(await found('TEA'), ['tea-1', 'tea-3', 'pot']);
  t.deepEqual(await found('té'), ['tea-1', 'tea-3', 'pot', 'tea-2']);
  t.deepEqual(await found('ea'), []);
  const first = await view.list({ q: 'tea', limit: 2 });
  const rest = await view.list({ q: 'tea', limit: 2, cursor: first.nextCursor });
  t.deepEqual(
    [...first.items, ...rest.items].map(({ sku }) => sku),
    ['tea-1', 'tea-3', 'pot'],
  );
  t.is(rest.nextCursor, undefined);
});

test('a search looks at what it finds and at nothing else, by the index', async (t) => {
  const many = Array.from({ length: 500 }, (_, index) =>
    product(`sku-${index}`, `${index % 10 === 0 ? 'Tea' : 'Mug'} ${index}`),
  );
  const db = await stored(t, many);
  const plan = (await db
    .getClient()
    .db(db.name)
    .command({
      explain: {
        find: productsCollection,
        filter: { 'state.listKey': listKeysOf('tea') },
        sort: { 'state.listKey': 1 },
        limit: 21,
      },
      verbosity: 'executionStats',
    })) as {
    readonly queryPlanner: { readonly winningPlan: unknown };
    readonly executionStats: { readonly totalDocsExamined: number; readonly nReturned: number };
  };
  const stages = JSON.stringify(plan.queryPlanner.winningPlan);
  t.regex(stages, /"IXSCAN"/);
  t.notRegex(stages, /"SORT"|"COLLSCAN"/, 'the index has the order too');
  t.is(plan.executionStats.nReturned, 21);
  t.true(plan.executionStats.totalDocsExamined <= 22, String(plan.executionStats.totalDocsExamined));
});

test('one product is found until it is deleted, and orders are told the prices of those that there are', async (t) => {
  const view = productView(await stored(t, goods));
  t.like(await view.find('mug'), { sku: 'mug', name: 'Mug', version: 1, createdAt: '1970-01-01T00:00:00.001Z' });
  t.is(await view.find('gone'), undefined);
  t.is(await view.find('never'), undefined);
  const price = { amount: 899, currency: 'EUR' };
  const [one, other] = await Promise.all([view.offered(['mug', 'gone', 'never', 'mug']), view.offered(['pot'])]);
  t.deepEqual(one, [{ sku: 'mug', name: 'Mug', price }]);
  t.deepEqual(other, [{ sku: 'pot', name: 'Teapot', price }]);
});
