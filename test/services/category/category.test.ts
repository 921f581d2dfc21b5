import test from 'ava';
import { categoryEntity } from '#services/category/category.ts';
import { categoryKeyOf, categoryName, create, remove } from '#services/category/contract.ts';
import { categoriesCollection, categoryIndexes } from '#services/category/model.ts';
import { categoryView } from '#services/category/view.ts';
import { mongoWorld } from '#test/support/mongo-world.ts';
import { runEntity } from '#test/support/run-entity.ts';

test('a name is taken once, whatever its case; made again after its end it is another category', async (t) => {
  t.is(categoryKeyOf(' Hot  DRINKS '), categoryKeyOf('hot drinks'));
  const one = runEntity(categoryEntity);
  t.like(await one.tell(create, { name: 'Hot drinks', id: 'a' }), { type: 'category.created', body: { id: 'a' } });
  const refused = await one.tell(create, { name: 'HOT drinks', id: 'b' });
  t.like(refused, { type: 'category.create-refused', body: { reason: 'category_exists', id: 'a' } });
  await one.tell(remove, { name: 'Hot drinks', id: 'another' });
  t.like(one.state, { status: 'active', id: 'a' });
  for (let twice = 0; twice < 2; twice += 1)
    t.is((await one.tell(remove, { name: 'Hot drinks', id: 'a' })).type, 'category.deleted');
  t.is((await one.tell(create, { name: 'hot drinks', id: 'c' })).body['id'], 'c');
});

test('a name fits as a key, and is text', (t) => {
  for (const name of ['Heißgetränke', 'مشروبات ساخنة', '☕️', 'x'.repeat(200)])
    t.true(categoryName.safeParse(name).success);
  for (const name of ['', ' ', 'x'.repeat(201), 'a\nb']) t.false(categoryName.safeParse(name).success, name);
});

test('categories are listed by name, page by page, without names that are free', async (t) => {
  const { db } = await mongoWorld(t);
  for (const index of categoryIndexes) await db.collection(categoriesCollection).createIndex(index);
  const stored = ['Tea', 'apples', 'Mugs', 'gone', 'zebras'].map((name) => ({
    _id: categoryKeyOf(name),
    version: 1,
    state: name === 'gone' ? { status: 'free' } : { status: 'active', id: `id-${name}`, name, createdAt: 1 },
  }));
  await db.collection(categoriesCollection).insertMany(stored as never);
  const view = categoryView(db);
  const names: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await view.list({ limit: 1, cursor });
    names.push(...page.items.map(({ name }) => name));
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  t.deepEqual(names, ['apples', 'Mugs', 'Tea', 'zebras']);
  t.deepEqual(await view.existing(['id-Tea', 'id-gone', 'nothing']), ['id-Tea']);
  t.deepEqual(await view.find('id-Mugs'), { id: 'id-Mugs', name: 'Mugs' });
  t.is(await view.find('nothing'), undefined);
});
