import test from 'ava';
import { mongo } from 'mongoose';
import { codeOf, mongoWorld, odd } from '#test/support/mongo-world.ts';

const { Binary, Decimal128, Double, Int32, Long, MaxKey, MinKey, ObjectId, Timestamp, BSONRegExp } = mongo;

test('an inserted document is found by its id, and without an id it gets one', async (t) => {
  const { things } = await mongoWorld(t);
  await things.insertOne({ _id: 'a', n: 1 });
  const { insertedId } = await things.insertOne(odd({ n: 2 }));
  t.deepEqual(await things.findOne({ _id: 'a' }), { _id: 'a', n: 1 });
  t.true((insertedId as unknown) instanceof ObjectId);
  t.deepEqual(await things.findOne({ _id: insertedId }), { _id: insertedId, n: 2 });
  t.is(await things.findOne({ _id: 'b' }), null);
});

test('a second document with the same id is E11000 and names the key', async (t) => {
  const { things } = await mongoWorld(t);
  await things.insertOne({ _id: 'a' });
  const error = await t.throwsAsync(things.insertOne({ _id: 'a' }));
  const { code, keyPattern, keyValue } = error as unknown as mongo.MongoServerError;
  t.is(code, 11000);
  t.deepEqual([keyPattern, keyValue], [{ _id: 1 }, { _id: 'a' }]);
  t.regex(error.message, /E11000 duplicate key error collection: test-.*\.things index: _id_ dup key: \{ _id: "a" \}/);
});

test('numbers are one id whatever their type; other types are different ids', async (t) => {
  const { things } = await mongoWorld(t);
  await things.insertOne({ _id: odd(new Int32(5)) });
  t.is(await codeOf(things.insertOne({ _id: odd(new Double(5)) })), 11000);
  t.is(await codeOf(things.insertOne({ _id: odd(Long.fromNumber(5)) })), 11000);
  await things.insertMany([
    { _id: '5' },
    { _id: 5.5 },
    { _id: null },
    { _id: true },
    { _id: odd({ a: 5 }) },
    { _id: odd(new Date(5)) },
  ]);
  t.is(await things.countDocuments(), 7);
  t.deepEqual(await things.findOne({ _id: odd({ a: 5 }) }), { _id: odd({ a: 5 }) });
});

test('every BSON type comes back as it was', async (t) => {
  const { things } = await mongoWorld(t);
  const document = {
    _id: odd(new ObjectId()),
    int: new Int32(7),
    double: new Double(7),
    long: Long.fromString('7'),
    large: Long.fromString('9007199254740993'),
    decimal: Decimal128.fromString('0.10'),
    date: new Date(-1),
    binary: new Binary(Buffer.from([0, 1, 255]), 4),
    text: 'zero \0 inside, ünïcödé 🚂',
    nothing: null,
    yes: true,
    regex: new BSONRegExp('a.b', 'i'),
    time: new Timestamp({ t: 1, i: 2 }),
    smallest: new MinKey(),
    largest: new MaxKey(),
    list: [1, [2, { x: [] }], {}],
    nested: { z: 1, a: { b: {} } },
  };
  await things.insertOne(document);
  const back = await things.findOne({ _id: document._id }, { promoteValues: false, bsonRegExp: true });
  t.deepEqual(mongo.BSON.serialize(back!), mongo.BSON.serialize(document));
});

test('types survive an update of another field', async (t) => {
  const { things } = await mongoWorld(t);
  const document = {
    _id: 1,
    double: new Double(7),
    long: Long.fromString('7'),
    decimal: Decimal128.fromString('1.50'),
  };
  await things.insertOne(document);
  await things.updateOne({ _id: 1 }, { $inc: { count: 1 }, $push: odd({ list: { deep: new Double(3) } }) });
  const back = await things.findOne({ _id: 1 }, { promoteValues: false });
  t.deepEqual(
    mongo.BSON.serialize(back!),
    mongo.BSON.serialize({ ...document, count: 1, list: [{ deep: new Double(3) }] }),
  );
});

test('the id is stored as the first field', async (t) => {
  const { things } = await mongoWorld(t);
  await things.insertOne({ b: 1, _id: 'x', a: 2 });
  t.deepEqual(Object.keys((await things.findOne({}))!), ['_id', 'b', 'a']);
});

test('filters match as MongoDB does', async (t) => {
  const { things } = await mongoWorld(t);
  await things.insertMany([
    { _id: 1, n: 1, tags: ['x', 'y'], at: { city: 'Kyiv' } },
    {
      _id: 2,
      n: 2,
      tags: [],
      at: { city: 'Lviv' },
      lines: [
        { sku: 'a', q: 1 },
        { sku: 'b', q: 5 },
      ],
    },
    { _id: 3, n: null },
    { _id: 4 },
    { _id: 5, n: '1', tags: 'x' },
  ]);
  const ids = async (filter: object): Promise<unknown[]> =>
    (await things.find(filter).sort({ _id: 1 }).toArray()).map(({ _id }) => _id);
  t.deepEqual(await ids({ n: 1 }), [1]);
  t.deepEqual(await ids({ n: null }), [3, 4]);
  t.deepEqual(await ids({ n: { $exists: true } }), [1, 2, 3, 5]);
  t.deepEqual(await ids({ n: { $gte: 1 } }), [1, 2]);
  t.deepEqual(await ids({ n: { $ne: 1 } }), [2, 3, 4, 5]);
  t.deepEqual(await ids({ n: { $in: [2, '1'] } }), [2, 5]);
  t.deepEqual(await ids({ n: { $nin: [1, null] } }), [2, 5]);
  t.deepEqual(await ids({ tags: 'x' }), [1, 5]);
  t.deepEqual(await ids({ tags: ['x', 'y'] }), [1]);
  t.deepEqual(await ids({ tags: { $size: 0 } }), [2]);
  t.deepEqual(await ids({ tags: { $all: ['y', 'x'] } }), [1]);
  t.deepEqual(await ids({ 'at.city': 'Lviv' }), [2]);
  t.deepEqual(await ids({ at: { city: 'Kyiv' } }), [1]);
  t.deepEqual(await ids({ 'lines.sku': 'b' }), [2]);
  t.deepEqual(await ids({ lines: { $elemMatch: { sku: 'a', q: { $gt: 3 } } } }), []);
  t.deepEqual(await ids({ lines: { $elemMatch: { sku: 'b', q: { $gt: 3 } } } }), [2]);
  t.deepEqual(await ids({ $or: [{ n: 1 }, { n: 2 }] }), [1, 2]);
  t.deepEqual(await ids({ $and: [{ n: { $gt: 0 } }, { n: { $lt: 2 } }] }), [1]);
  t.deepEqual(await ids({ n: { $not: { $gt: 1 } } }), [1, 3, 4, 5]);
  t.deepEqual(await ids({ 'at.city': /^ky/i }), [1]);
  t.deepEqual(await ids({ _id: { $in: [4, 2, 9, 2] } }), [2, 4]);
  t.deepEqual(await ids({ _id: { $gt: 2, $lt: 5 } }), [3, 4]);
});

test('sorting goes by type, then by value, and may be compound', async (t) => {
  const { things } = await mongoWorld(t);
  const values = [
    new Date(1),
    'b',
    2,
    null,
    'a',
    -1,
    { x: 1 },
    true,
    1.5,
    Long.fromString('9007199254740993'),
    new ObjectId(),
  ];
  await things.insertMany(values.map((v, _id) => ({ _id, v, even: _id % 2 })));
  const order = async (sort: mongo.Sort): Promise<unknown[]> =>
    (await things.find().sort(sort).toArray()).map(({ _id }) => _id);
  const ascending = [3, 5, 8, 2, 9, 4, 1, 6, 10, 7, 0];
  t.deepEqual(await order({ v: 1 }), ascending);
  t.deepEqual(await order({ v: -1 }), ascending.toReversed());
  t.deepEqual(await order({ even: -1, v: 1 }), [3, 5, 9, 1, 7, 8, 2, 4, 6, 10, 0]);
});

test('an array sorts by its smallest value upwards and by its largest downwards', async (t) => {
  const { things } = await mongoWorld(t);
  await things.insertMany([
    { _id: 1, v: [1, 9] },
    { _id: 2, v: 5 },
    { _id: 3, v: [3, 4] },
  ]);
  t.deepEqual(
    (await things.find().sort({ v: 1 }).toArray()).map(({ _id }) => _id),
    [1, 3, 2],
  );
  t.deepEqual(
    (await things.find().sort({ v: -1 }).toArray()).map(({ _id }) => _id),
    [1, 2, 3],
  );
});

test('skip and limit cut the sorted result', async (t) => {
  const { things } = await mongoWorld(t);
  await things.insertMany(Array.from({ length: 20 }, (_, _id) => ({ _id })));
  const found = await things.find().sort({ _id: -1 }).skip(3).limit(4).toArray();
  t.deepEqual(
    found.map(({ _id }) => _id),
    [16, 15, 14, 13],
  );
});

test('projections include or exclude, also inside objects and arrays', async (t) => {
  const { things } = await mongoWorld(t);
  await things.insertOne({ _id: 1, a: 1, b: { c: 2, d: 3 }, list: [{ x: 1, y: 2 }, 5, { x: 3 }] });
  const shown = (projection: object) => things.findOne({}, { projection });
  t.deepEqual(await shown({ a: 1 }), { _id: 1, a: 1 });
  t.deepEqual(await shown({ a: 1, _id: 0 }), { a: 1 });
  t.deepEqual(await shown({ b: 0, list: 0 }), { _id: 1, a: 1 });
  t.deepEqual(await shown({ _id: 0, list: 0 }), { a: 1, b: { c: 2, d: 3 } });
  t.deepEqual(await shown({ 'b.c': 1 }), { _id: 1, b: { c: 2 } });
  t.deepEqual(await shown({ 'b.c': 0, a: 0 }), { _id: 1, b: { d: 3 }, list: [{ x: 1, y: 2 }, 5, { x: 3 }] });
  t.deepEqual(await shown({ 'list.x': 1 }), { _id: 1, list: [{ x: 1 }, { x: 3 }] });
  t.deepEqual(await shown({ 'list.x': 0, a: 0, b: 0 }), { _id: 1, list: [{ y: 2 }, 5, {}] });
  t.deepEqual(await shown({ missing: 1 }), { _id: 1 });
  t.is(await codeOf(shown({ a: 1, b: 0 })), 31254);
});

test('of an array a projection gives the first element that matches, or nothing', async (t) => {
  const { things } = await mongoWorld(t);
  const first = { id: 'm1', n: Long.fromNumber(5), at: new Date(5) };
  await things.insertOne({ _id: 'a', list: ['m1', { id: 'm0' }, first, { id: 'm1', n: 6 }], other: 1, more: 2 });
  const read = (projection: object) => things.findOne({ _id: 'a' }, { projection, promoteValues: false });
  t.deepEqual(await read({ list: { $elemMatch: { id: 'm1' } }, other: 1 }), {
    _id: 'a',
    list: [{ ...first, id: 'm1' }],
    other: new Int32(1),
  });
  t.deepEqual(await read({ list: { $elemMatch: { id: 'm1' } }, _id: 0 }), { list: [first] });
  t.deepEqual(await read({ list: { $elemMatch: { id: 'm2' } } }), { _id: 'a' });
  t.deepEqual(await read({ other: { $elemMatch: { id: 'm1' } } }), { _id: 'a' });
  t.deepEqual(await read({ list: { $elemMatch: { id: 'm1', n: { $gt: 5 } } } }), {
    _id: 'a',
    list: [{ id: 'm1', n: new Int32(6) }],
  });
  const unknown = things.findOne({}, { projection: { list: { $elemMatch: { id: { $unknown: 1 } } } } });
  t.is(await codeOf(unknown), 2);
});
