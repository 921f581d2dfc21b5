import test, { type ExecutionContext } from 'ava';
import { productCategories } from '#services/catalogue/migrations/0001-product-categories.ts';
import { productIndexes, productsCollection } from '#services/catalogue/model.ts';
import { listKeyOf } from '#services/catalogue/name-key.ts';
import { productView } from '#services/catalogue/view.ts';
import { systemClock } from '#shared/clock.ts';
import { migrateDown, migrateUp } from '#shared/database/migrating.ts';
import { mongoWorld } from '#test/support/mongo-world.ts';

const PRODUCTS = 450;

async function world(t: ExecutionContext) {
  const { db } = await mongoWorld(t);
  const products = db.getClient().db(db.name).collection<{ readonly _id: string }>(productsCollection);
  for (const index of productIndexes) await products.createIndex(index);
  const price = { amount: 100, currency: 'EUR' };
  const all = Array.from({ length: PRODUCTS }, (_, n) => {
    const [sku, name] = [`sku-${n}`, `Product ${n}`];
    const state = { status: 'active', sku, name, price, listKey: listKeyOf(name, sku), version: 1 };
    return { _id: sku, version: 1, state: { ...state, createdAt: 1, updatedAt: 1 } };
  });
  const gone = { _id: 'gone', version: 2, state: { status: 'deleted', sku: 'gone', version: 2 } };
  await products.insertMany([...all, gone] as never);
  const options = { db, migrations: [productCategories], owner: 'one', clock: systemClock, say: () => {} };
  return { db, products, options };
}

test('every product gets its list of categories once, and loses it again; the old documents are back', async (t) => {
  const { products, options } = await world(t);
  const without = { projection: { version: 0 } };
  const before = await products.find({}, without).toArray();
  await migrateUp(options);
  t.is(await products.countDocuments({ 'state.categories': [] as never, version: 2 }), PRODUCTS);
  t.is(await products.countDocuments({ 'state.status': 'deleted', 'state.categories': { $exists: true } }), 0);
  t.deepEqual(await migrateUp(options), []);
  await migrateDown(options);
  t.deepEqual(await products.find({}, without).toArray(), before);
  t.deepEqual((await products.indexes()).map(({ name }) => name).toSorted(), ['_id_', 'state.listKey_1']);
});

test('a list by category looks at what it finds and at nothing else, by the index', async (t) => {
  const { db, products, options } = await world(t);
  await migrateUp(options);
  const some = Array.from({ length: 30 }, (_, n) => `sku-${n * 10}`);
  await products.updateMany({ _id: { $in: some } }, { $set: { 'state.categories': ['other', 'drinks'] } });
  const view = productView(db);
  const skus: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await view.list({ category: 'drinks', limit: 7, cursor });
    skus.push(...page.items.map(({ sku }) => sku));
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  t.deepEqual(skus.toSorted(), some.toSorted());
  t.deepEqual((await view.list({ category: 'drinks', q: 'product 1', limit: 50 })).items.length, 11);
  const { executionStats, queryPlanner } = (await db
    .getClient()
    .db(db.name)
    .command({
      explain: {
        find: productsCollection,
        filter: { 'state.categories': 'drinks', 'state.listKey': { $gte: '', $lt: '\u{10ffff}' } },
        sort: { 'state.listKey': 1 },
        limit: 21,
      },
      verbosity: 'executionStats',
    })) as { executionStats: { totalDocsExamined: number }; queryPlanner: { winningPlan: unknown } };
  t.regex(JSON.stringify(queryPlanner.winningPlan), /"IXSCAN"/);
  t.true(executionStats.totalDocsExamined <= some.length, String(executionStats.totalDocsExamined));
});
