import test from 'ava';
import { mongo } from 'mongoose';
import { type Fields, codeOf, mongoWorld } from '#test/support/mongo-world.ts';

const { Double, Int32, Long } = mongo;

interface Case {
  readonly title: string;
  readonly before: Fields;
  readonly update: Fields;
  readonly after: Fields;
}

const cases: readonly Case[] = [
  {
    title: '$set replaces and adds',
    before: { a: 1, b: 2 },
    update: { $set: { b: 3, d: 4, c: 5 } },
    after: { a: 1, b: 3, c: 5, d: 4 },
  },
  {
    title: '$set makes the objects on the way',
    before: {},
    update: { $set: { 'a.b.c': 1 } },
    after: { a: { b: { c: 1 } } },
  },
  {
    title: '$set reaches into arrays',
    before: { l: [1, { x: 1 }] },
    update: { $set: { 'l.1.x': 2, 'l.3': 9 } },
    after: { l: [1, { x: 2 }, null, 9] },
  },
  {
    title: '$unset removes',
    before: { a: 1, b: { c: 1, d: 2 } },
    update: { $unset: { a: '', 'b.c': 1, 'x.y': 1 } },
    after: { b: { d: 2 } },
  },
  {
    title: '$unset of an array element leaves null',
    before: { l: [1, 2] },
    update: { $unset: { 'l.0': 1 } },
    after: { l: [null, 2] },
  },
  {
    title: '$set and $unset together',
    before: { a: 1, b: 2 },
    update: { $set: { c: 3 }, $unset: { a: 1 } },
    after: { b: 2, c: 3 },
  },
  {
    title: '$inc adds and starts at zero',
    before: { a: 1 },
    update: { $inc: { a: 2, b: -1, 'c.d': 5 } },
    after: { a: 3, b: -1, c: { d: 5 } },
  },
  {
    title: '$mul multiplies and starts at zero',
    before: { a: 3 },
    update: { $mul: { a: 2, b: 7 } },
    after: { a: 6, b: 0 },
  },
  {
    title: '$min keeps the smaller',
    before: { a: 5, b: 5 },
    update: { $min: { a: 3, b: 9, c: 1 } },
    after: { a: 3, b: 5, c: 1 },
  },
  {
    title: '$max keeps the larger',
    before: { a: 5, b: 5 },
    update: { $max: { a: 3, b: 9, c: 1 } },
    after: { a: 5, b: 9, c: 1 },
  },
  {
    title: '$min and $max compare across types',
    before: { a: 5, b: 5 },
    update: { $min: { a: 'x' }, $max: { b: 'x' } },
    after: { a: 5, b: 'x' },
  },
  {
    title: '$rename moves',
    before: { a: 1, b: 2 },
    update: { $rename: { a: 'c.d', x: 'y' } },
    after: { b: 2, c: { d: 1 } },
  },
  { title: '$push appends', before: { l: [1] }, update: { $push: { l: 2, m: 3 } }, after: { l: [1, 2], m: [3] } },
  {
    title: '$push of an array appends one element',
    before: { l: [1] },
    update: { $push: { l: [2, 3] } },
    after: { l: [1, [2, 3]] },
  },
  {
    title: '$push $each with $slice keeps the last',
    before: { l: [1, 2] },
    update: { $push: { l: { $each: [3, 4], $slice: -3 } } },
    after: { l: [2, 3, 4] },
  },
  {
    title: '$push $each with $position and $slice',
    before: { l: [1, 2] },
    update: { $push: { l: { $each: [0], $position: 0, $slice: 2 } } },
    after: { l: [0, 1] },
  },
  {
    title: '$push $each with $sort',
    before: { l: [{ n: 3 }, { n: 1 }] },
    update: { $push: { l: { $each: [{ n: 2 }], $sort: { n: 1 } } } },
    after: { l: [{ n: 1 }, { n: 2 }, { n: 3 }] },
  },
  {
    title: '$push $each sorts whole values',
    before: { l: [3, 1] },
    update: { $push: { l: { $each: [2], $sort: -1 } } },
    after: { l: [3, 2, 1] },
  },
  {
    title: '$addToSet adds what is new',
    before: { l: [1, { a: 1 }] },
    update: { $addToSet: { l: { $each: [1, { a: 1 }, { a: 2 }, 3] } } },
    after: { l: [1, { a: 1 }, { a: 2 }, 3] },
  },
  {
    title: '$pull removes equal values',
    before: { l: [1, 2, 1, { a: 1 }] },
    update: { $pull: { l: 1 } },
    after: { l: [2, { a: 1 }] },
  },
  {
    title: '$pull removes by condition',
    before: { l: [1, 5, 9] },
    update: { $pull: { l: { $gte: 5 } } },
    after: { l: [1] },
  },
  {
    title: '$pull removes by fields of the elements',
    before: {
      l: [
        { a: 1, b: 1 },
        { a: 2, b: 1 },
      ],
    },
    update: { $pull: { l: { a: 2 } } },
    after: { l: [{ a: 1, b: 1 }] },
  },
  { title: '$pull of a missing array does nothing', before: { a: 1 }, update: { $pull: { l: 1 } }, after: { a: 1 } },
  {
    title: '$pullAll removes a list',
    before: { l: [1, 2, 3, 2] },
    update: { $pullAll: { l: [2, 3] } },
    after: { l: [1] },
  },
  {
    title: '$pop takes an end off',
    before: { l: [1, 2, 3], m: [1, 2] },
    update: { $pop: { l: 1, m: -1 } },
    after: { l: [1, 2], m: [2] },
  },
  {
    title: '$setOnInsert does nothing to what is there',
    before: { a: 1 },
    update: { $setOnInsert: { a: 2 }, $set: { b: 1 } },
    after: { a: 1, b: 1 },
  },
];

for (const { title, before, update, after } of cases) {
  test(title, async (t) => {
    const { things } = await mongoWorld(t);
    await things.insertOne({ _id: 'x', ...before });
    const { matchedCount } = await things.updateOne({ _id: 'x' }, update);
    t.is(matchedCount, 1);
    t.deepEqual(await things.findOne({}), { _id: 'x', ...after });
  });
}

test('counts tell matched from modified', async (t) => {
  const { things } = await mongoWorld(t);
  await things.insertMany([
    { _id: 1, a: 1 },
    { _id: 2, a: 2 },
    { _id: 3, a: 3 },
  ]);
  const result = await things.updateMany({ a: { $lte: 2 } }, { $set: { a: 2 } });
  t.like(result, { matchedCount: 2, modifiedCount: 1, upsertedCount: 0, upsertedId: null });
  t.like(await things.updateOne({ a: 9 }, { $set: { a: 1 } }), { matchedCount: 0, modifiedCount: 0 });
});

test('integers stay integers, grow to longs and refuse to overflow', async (t) => {
  const { things } = await mongoWorld(t);
  await things.insertOne({ _id: 1, i: new Int32(2147483647), l: Long.MAX_VALUE, d: new Double(1) });
  await things.updateOne({ _id: 1 }, { $inc: { i: 1, d: 1 } });
  const back = (await things.findOne({}, { promoteValues: false }))!;
  t.deepEqual(back['i'], Long.fromString('2147483648'));
  t.deepEqual(back['d'], new Double(2));
  t.is(await codeOf(things.updateOne({ _id: 1 }, { $inc: { l: 1 } })), 2);
  t.is(await codeOf(things.updateOne({ _id: 1 }, { $inc: { _id: 1 } })), 66);
});

test('a replacement keeps the id and drops everything else', async (t) => {
  const { things } = await mongoWorld(t);
  await things.insertOne({ _id: 'x', a: 1, b: 2 });
  t.like(await things.replaceOne({ a: 1 }, { c: 3 }), { matchedCount: 1, modifiedCount: 1 });
  t.deepEqual(await things.findOne({}), { _id: 'x', c: 3 });
  t.like(await things.replaceOne({ _id: 'x' }, { c: 3 }), { matchedCount: 1, modifiedCount: 0 });
  t.is(await codeOf(things.replaceOne({ _id: 'x' }, { _id: 'y', c: 3 })), 66);
});

test('an upsert inserts what the filter fixes and the update adds', async (t) => {
  const { things } = await mongoWorld(t);
  const filter = { _id: 'x', a: 1, 'b.c': 2, n: { $gt: 5 }, $and: [{ d: { $eq: 3 } }] } as Fields;
  const result = await things.updateOne(
    filter,
    { $set: { e: 4 }, $setOnInsert: { f: 5 }, $inc: { g: 6 } },
    { upsert: true },
  );
  t.like(result, { matchedCount: 0, upsertedCount: 1, upsertedId: 'x' });
  t.deepEqual(await things.findOne({}), { _id: 'x', a: 1, b: { c: 2 }, d: 3, e: 4, f: 5, g: 6 });
});

test('an upsert by $set alone does the same', async (t) => {
  const { things } = await mongoWorld(t);
  await things.updateOne(
    { _id: 'x', version: 0 },
    { $set: { version: 1, s: {} }, $unset: { dueAt: 1 } },
    { upsert: true },
  );
  t.deepEqual(await things.findOne({}), { _id: 'x', version: 1, s: {} });
});

test('an upserted replacement takes its id from the filter, or gets one', async (t) => {
  const { things } = await mongoWorld(t);
  t.like(await things.replaceOne({ _id: 'x', v: 0 }, { v: 1 }, { upsert: true }), { upsertedId: 'x' });
  t.deepEqual(await things.findOne({ _id: 'x' }), { _id: 'x', v: 1 });
  const { upsertedId } = await things.replaceOne({ v: 7 }, { v: 8 }, { upsert: true });
  t.true((upsertedId as unknown) instanceof mongo.ObjectId);
  t.deepEqual(await things.findOne({ v: 8 }), { _id: upsertedId, v: 8 } as never);
});

test('a filter that does not match its own id makes the upsert collide', async (t) => {
  const { things } = await mongoWorld(t);
  await things.insertOne({ _id: 'x', version: 2 });
  t.is(await codeOf(things.replaceOne({ _id: 'x', version: 1 }, { version: 2 }, { upsert: true })), 11000);
  t.is(await codeOf(things.updateOne({ _id: 'x', version: 1 }, { $set: { version: 2 } }, { upsert: true })), 11000);
  t.deepEqual(await things.findOne({}), { _id: 'x', version: 2 });
});

test('updates that contradict themselves or the document are refused and change nothing', async (t) => {
  const { things } = await mongoWorld(t);
  await things.insertOne({ _id: 'x', a: 'text', l: 5 });
  const refusal = (update: Fields) => codeOf(things.updateOne({ _id: 'x' }, update));
  t.is(await refusal({ $set: { b: 1 }, $unset: { b: 1 } }), 40);
  t.is(await refusal({ $set: { b: 1, 'b.c': 1 } }), 40);
  t.is(await refusal({ $inc: { a: 1 } }), 14);
  t.is(await refusal({ $set: { 'a.b': 1 } }), 28);
  t.is(await refusal({ $push: { l: 1 } }), 2);
  t.is(await refusal({ $set: { _id: 'y' } }), 66);
  t.is(await refusal({ $nonsense: { a: 1 } }), 9);
  t.deepEqual(await things.findOne({}), { _id: 'x', a: 'text', l: 5 });
});

test('deleteOne deletes one, deleteMany all that match', async (t) => {
  const { things } = await mongoWorld(t);
  await things.insertMany([
    { _id: 1, a: 1 },
    { _id: 2, a: 1 },
    { _id: 3, a: 1 },
    { _id: 4, a: 2 },
  ]);
  t.like(await things.deleteOne({ a: 1 }), { deletedCount: 1 });
  t.like(await things.deleteMany({ a: 1 }), { deletedCount: 2 });
  t.like(await things.deleteMany({ a: 1 }), { deletedCount: 0 });
  t.deepEqual(await things.find().toArray(), [{ _id: 4, a: 2 }]);
  await things.insertOne({ _id: 1, again: true });
  t.deepEqual(await things.findOne({ _id: 1 }), { _id: 1, again: true });
});
