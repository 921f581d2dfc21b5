import test from 'ava';
import { type Things, codeOf, mongoWorld } from '#test/support/mongo-world.ts';

async function sales(things: Things): Promise<void> {
  await things.insertMany([
    { _id: 1, who: 'a', amount: 5, tags: ['x', 'y'] },
    { _id: 2, who: 'b', amount: 7, tags: ['x'] },
    { _id: 3, who: 'a', amount: 1, tags: [] },
  ]);
}

test('the stages that are supported give what they should', async (t) => {
  const { things } = await mongoWorld(t);
  await sales(things);
  const run = (pipeline: object[]): Promise<object[]> => things.aggregate(pipeline).toArray();
  t.deepEqual(await run([{ $match: { who: 'a' } }, { $sort: { amount: 1 } }, { $project: { amount: 1 } }]), [
    { _id: 3, amount: 1 },
    { _id: 1, amount: 5 },
  ]);
  t.deepEqual(
    await run([{ $group: { _id: '$who', total: { $sum: '$amount' }, n: { $sum: 1 } } }, { $sort: { _id: 1 } }]),
    [
      { _id: 'a', total: 6, n: 2 },
      { _id: 'b', total: 7, n: 1 },
    ],
  );
  t.deepEqual(await run([{ $unwind: '$tags' }, { $sortByCount: '$tags' }]), [
    { _id: 'x', count: 2 },
    { _id: 'y', count: 1 },
  ]);
  t.deepEqual(await run([{ $sort: { _id: 1 } }, { $skip: 1 }, { $limit: 1 }]), [
    { _id: 2, who: 'b', amount: 7, tags: ['x'] },
  ]);
  t.deepEqual(await run([{ $match: { amount: { $gte: 5 } } }, { $count: 'n' }]), [{ n: 2 }]);
  t.deepEqual(
    await run([{ $facet: { big: [{ $match: { amount: 7 } }, { $project: { _id: 1 } }], all: [{ $count: 'n' }] } }]),
    [{ big: [{ _id: 2 }], all: [{ n: 3 }] }],
  );
  t.deepEqual(
    await run([{ $match: { _id: 1 } }, { $set: { double: { $multiply: ['$amount', 2] } } }, { $unset: 'tags' }]),
    [{ _id: 1, who: 'a', amount: 5, double: 10 }],
  );
});

test('counts and distinct values', async (t) => {
  const { things } = await mongoWorld(t);
  await sales(things);
  t.is(await things.countDocuments(), 3);
  t.is(await things.countDocuments({ who: 'a' }), 2);
  t.is(await things.countDocuments({}, { skip: 1, limit: 1 }), 1);
  t.is(await things.countDocuments({ who: 'z' }), 0);
  t.is(await things.estimatedDocumentCount(), 3);
  t.deepEqual(await things.distinct('tags'), ['x', 'y'] as never);
  t.deepEqual(await things.distinct('amount', { who: 'a' }), [1, 5] as never);
  await things.deleteOne({ _id: 1 });
  t.is(await things.estimatedDocumentCount(), 2);
});

test('an aggregation of nothing is empty', async (t) => {
  const { things } = await mongoWorld(t);
  t.deepEqual(await things.aggregate([{ $group: { _id: null, n: { $sum: 1 } } }]).toArray(), []);
  t.deepEqual(await things.aggregate([{ $match: { a: 1 } }]).toArray(), []);
});

test('a long aggregation arrives in batches', async (t) => {
  const { things } = await mongoWorld(t);
  await things.insertMany(Array.from({ length: 500 }, (_, _id) => ({ _id })));
  const found = await things
    .aggregate([{ $match: { _id: { $gte: 100 } } }, { $sort: { _id: -1 } }], { batchSize: 20 })
    .toArray();
  t.is(found.length, 400);
  t.deepEqual(found[399] as object, { _id: 100 });
});

test('an unknown stage is refused', async (t) => {
  const { things } = await mongoWorld(t);
  t.is(await codeOf(things.aggregate([{ $nonsense: {} }]).toArray()), 40324);
});
