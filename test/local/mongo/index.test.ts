import test from 'ava';
import { type Things, codeOf, mongoWorld } from '#test/support/mongo-world.ts';

async function used(things: Things, filter: object, options: { sort?: Record<string, 1 | -1>; limit?: number } = {}) {
  const explained = await things.find(filter, options).explain('executionStats');
  const plan = JSON.stringify(explained['queryPlanner'].winningPlan);
  const { totalDocsExamined, nReturned } = explained['executionStats'] as Record<string, number>;
  return {
    index: /"indexName":"([^"]+)"/.exec(plan)?.[1],
    sorts: plan.includes('"SORT"'),
    examined: totalDocsExamined,
    found: nReturned,
  };
}

async function orders(things: Things): Promise<void> {
  await things.insertMany(
    Array.from({ length: 200 }, (_, n) => ({
      _id: `o${String(n).padStart(3, '0')}`,
      customer: `c${n % 10}`,
      at: 1000 + n,
      state: { step: n % 4 },
      ...(n % 50 === 0 ? { dueAt: 5000 - n } : {}),
    })),
  );
}

test('indexes are listed, made once, and dropped', async (t) => {
  const { db, things } = await mongoWorld(t);
  t.is(await things.createIndex({ a: 1 }), 'a_1');
  t.is(await things.createIndex({ a: 1 }), 'a_1');
  await things.createIndex(
    { b: -1, 'c.d': 1 },
    { unique: true, name: 'mine', partialFilterExpression: { b: { $exists: true } } },
  );
  await things.createIndex({ at: 1 }, { expireAfterSeconds: 60, sparse: true });
  t.deepEqual(await things.indexes(), [
    { v: 2, key: { _id: 1 }, name: '_id_' },
    { v: 2, key: { a: 1 }, name: 'a_1' },
    { v: 2, key: { b: -1, 'c.d': 1 }, name: 'mine', unique: true, partialFilterExpression: { b: { $exists: true } } },
    { v: 2, key: { at: 1 }, name: 'at_1', expireAfterSeconds: 60, sparse: true },
  ] as never);
  await things.dropIndex('mine');
  t.deepEqual(
    (await things.indexes()).map(({ name }) => name),
    ['_id_', 'a_1', 'at_1'],
  );
  await things.dropIndexes();
  t.deepEqual(
    (await things.indexes()).map(({ name }) => name),
    ['_id_'],
  );
  t.is(await codeOf(things.dropIndex('mine')), 27);
  t.is(await codeOf(db.getClient().db(db.name).collection('none').indexes()), 26);
});

test('another index of the same name or key is a conflict', async (t) => {
  const { things } = await mongoWorld(t);
  await things.createIndex({ a: 1 });
  t.is(await codeOf(things.createIndex({ b: 1 }, { name: 'a_1' })), 86);
  t.is(await codeOf(things.createIndex({ a: 1 }, { name: 'other' })), 85);
  t.is(await codeOf(things.createIndex({ a: 'nonsense' } as never)), 67);
});

test('equality, prefix, range and order are answered by an index', async (t) => {
  const { things } = await mongoWorld(t);
  await orders(things);
  await things.createIndex({ customer: 1, at: -1 });
  await things.createIndex({ 'state.step': 1 });
  t.like(await used(things, { customer: 'c3' }), { index: 'customer_1_at_-1', examined: 20, found: 20 });
  t.like(await used(things, { customer: 'c3', at: { $gt: 1100 } }), { index: 'customer_1_at_-1', examined: 10 });
  t.like(await used(things, { customer: 'c3', at: { $gte: 1103, $lt: 1123 } }), { examined: 2, found: 2 });
  t.like(await used(things, { customer: 'c3' }, { sort: { at: -1 }, limit: 5 }), {
    index: 'customer_1_at_-1',
    sorts: false,
    examined: 5,
  });
  t.like(await used(things, { customer: 'c3' }, { sort: { at: 1 }, limit: 5 }), { sorts: false, examined: 5 });
  t.like(await used(things, { customer: { $in: ['c1', 'c2'] } }), {
    index: 'customer_1_at_-1',
    examined: 40,
    found: 40,
  });
  t.like(await used(things, { 'state.step': 2 }), { index: 'state.step_1', examined: 50 });
  const page = await things
    .find({ customer: 'c3', at: { $lt: 1150 } })
    .sort({ at: -1 })
    .limit(3)
    .toArray();
  t.deepEqual(
    page.map(({ at }) => at as number),
    [1143, 1133, 1123],
  );
});

test('what is due is found without looking at what is not', async (t) => {
  const { things } = await mongoWorld(t);
  await orders(things);
  await things.createIndex({ dueAt: 1 }, { sparse: true });
  t.like(await used(things, { dueAt: { $lte: 4950 } }, { sort: { dueAt: 1 }, limit: 2 }), {
    index: 'dueAt_1',
    examined: 2,
    sorts: false,
  });
  const due = async () =>
    (
      await things
        .find({ dueAt: { $lte: 4950 } })
        .sort({ dueAt: 1 })
        .toArray()
    ).map(({ _id }) => _id);
  t.deepEqual(await due(), ['o150', 'o100', 'o050']);
  await things.updateOne({ _id: 'o100' }, { $unset: { dueAt: 1 } });
  await things.replaceOne({ _id: 'o007' }, { dueAt: 1 });
  await things.deleteOne({ _id: 'o050' });
  t.deepEqual(await due(), ['o007', 'o150']);
});

test('an index answers as a scan does after any history of changes', async (t) => {
  const { things } = await mongoWorld(t);
  await things.createIndex({ n: 1, m: -1 });
  await things.createIndex({ tags: 1 });
  let seed = 7;
  const random = (below: number): number => {
    seed = (seed * 1103515245 + 12345) % 2147483648;
    return Math.floor((seed / 2147483648) * below);
  };
  const fields = () => ({ n: random(5), m: random(5), tags: Array.from({ length: random(3) }, () => random(4)) });
  for (let round = 0; round < 300; round += 1) {
    const _id = random(40);
    const action = random(4);
    if (action === 0) await things.deleteOne({ _id });
    else if (action === 1) await things.replaceOne({ _id }, fields(), { upsert: true });
    else if (action === 2) await things.updateOne({ _id }, { $set: fields() }, { upsert: true });
    else await things.updateMany({ n: random(5) }, { $inc: { m: 1 } });
    if (round % 30 !== 0) continue;
    const everything = (await things.find().toArray()) as unknown as {
      _id: number;
      n: number;
      m: number;
      tags: number[];
    }[];
    const ids = async (filter: object) =>
      (await things.find(filter).toArray()).map(({ _id: id }) => Number(id)).sort((a, b) => a - b);
    const scanned = (match: (each: (typeof everything)[0]) => boolean) =>
      everything
        .filter(match)
        .map(({ _id: id }) => id)
        .sort((a, b) => a - b);
    for (let n = 0; n < 5; n += 1) {
      t.deepEqual(
        await ids({ n }),
        scanned((each) => each.n === n),
      );
      t.deepEqual(
        await ids({ n, m: { $gt: 1, $lte: 3 } }),
        scanned((each) => each.n === n && each.m > 1 && each.m <= 3),
      );
      t.deepEqual(
        await ids({ tags: n }),
        scanned((each) => each.tags.includes(n)),
      );
      t.deepEqual(
        await ids({ tags: { $gte: n } }),
        scanned((each) => each.tags.some((tag) => tag >= n)),
      );
    }
  }
});

test('a unique index refuses a second document, also within one batch, and names it', async (t) => {
  const { things } = await mongoWorld(t);
  await things.createIndex({ email: 1, realm: 1 }, { unique: true });
  await things.insertOne({ _id: 1, email: 'a', realm: 'x' });
  const error = await t.throwsAsync(things.insertOne({ _id: 2, email: 'a', realm: 'x' }));
  t.like(error, { code: 11000, keyPattern: { email: 1, realm: 1 }, keyValue: { email: 'a', realm: 'x' } });
  const batch = [3, 4, 5].map((_id) => ({ _id, email: 'b', realm: _id === 5 ? 'y' : 'x' }));
  const bulk = (await t.throwsAsync(things.insertMany(batch, { ordered: false }))) as unknown as {
    writeErrors: { index: number }[];
  };
  t.deepEqual(
    [bulk.writeErrors].flat().map(({ index }) => index),
    [1],
  );
  t.is(await codeOf(things.updateOne({ _id: 5 }, { $set: { realm: 'x' } })), 11000);
  t.is(await codeOf(things.updateOne({ _id: 9 }, { $set: { email: 'a', realm: 'x' } }, { upsert: true })), 11000);
  t.is(await things.countDocuments(), 3);
});

test('a unique value is free again after an update or a delete', async (t) => {
  const { things } = await mongoWorld(t);
  await things.createIndex({ email: 1 }, { unique: true });
  await things.insertMany([
    { _id: 1, email: 'a' },
    { _id: 2, email: 'b' },
  ]);
  await things.updateOne({ _id: 1 }, { $set: { email: 'c' } });
  await things.deleteOne({ _id: 2 });
  await things.insertMany([
    { _id: 3, email: 'a' },
    { _id: 4, email: 'b' },
  ]);
  t.is(await codeOf(things.insertOne({ _id: 5, email: 'c' })), 11000);
});

test('a missing value is unique too, unless the index is sparse or partial', async (t) => {
  const { things } = await mongoWorld(t);
  await things.createIndex({ a: 1 }, { unique: true });
  await things.createIndex({ b: 1 }, { unique: true, sparse: true });
  await things.createIndex({ c: 1 }, { unique: true, partialFilterExpression: { c: { $gt: 5 } } });
  await things.insertOne({ _id: 1, c: 1 });
  t.is(await codeOf(things.insertOne({ _id: 2, c: 1 })), 11000);
  await things.insertOne({ _id: 3, a: 3, c: 1 });
  await things.insertOne({ _id: 4, a: 4, c: 6 });
  t.is(await codeOf(things.insertOne({ _id: 5, a: 5, c: 6 })), 11000);
});

test('a partial index of what exists holds null and leaves out what is missing', async (t) => {
  const { things } = await mongoWorld(t);
  await things.createIndex({ d: 1 }, { unique: true, partialFilterExpression: { d: { $exists: true } } });
  await things.insertMany([{ _id: 1 }, { _id: 2 }, { _id: 3, d: null }]);
  t.is(await codeOf(things.insertOne({ _id: 4, d: null })), 11000);
  await things.updateOne({ _id: 3 }, { $unset: { d: '' } });
  await things.insertOne({ _id: 4, d: null });
  t.is(await things.countDocuments({ d: { $exists: true } }), 1);
});

test('documents that break a unique index prevent its creation', async (t) => {
  const { things } = await mongoWorld(t);
  await things.insertMany([
    { _id: 1, a: 1 },
    { _id: 2, a: 1 },
  ]);
  t.is(await codeOf(things.createIndex({ a: 1 }, { unique: true })), 11000);
  t.is((await things.indexes()).length, 1);
});

test('a sparse index is not used to find what it does not hold', async (t) => {
  const { things } = await mongoWorld(t);
  await things.insertMany([{ _id: 1, a: 1 }, { _id: 2 }]);
  await things.createIndex({ a: 1 }, { sparse: true });
  t.deepEqual(
    (await things.find().sort({ a: 1 }).toArray()).map(({ _id }) => _id),
    [2, 1],
  );
  t.is((await things.find({ a: null }).toArray()).length, 1);
});

test('what has no value is found through an index that holds it, and not through one that does not', async (t) => {
  const { things } = await mongoWorld(t);
  await orders(things);
  await things.createIndex({ dueAt: 1 }, { sparse: true });
  t.is((await used(things, { dueAt: null })).examined, 200, 'a sparse index has none of them');
  await things.createIndex({ part: 1, dueAt: 1 }, { partialFilterExpression: { dueAt: { $exists: true } } });
  await things.updateMany({ dueAt: 5000 }, { $set: { part: 'p1' } });
  const due = things.find({ part: null, dueAt: { $lte: 4950 } }).hint({ part: 1, dueAt: 1 });
  t.is((await due.explain('executionStats'))['executionStats'].totalDocsExamined, 3);
  t.is((await due.toArray()).length, 3);
  t.deepEqual(await used(things, { part: null, at: 1001 }), {
    index: undefined,
    sorts: false,
    examined: 200,
    found: 1,
  });
  await things.createIndex({ customer: 1, part: 1 });
  t.deepEqual(await used(things, { customer: 'c1', part: null }), {
    index: 'customer_1_part_1',
    sorts: false,
    examined: 20,
    found: 20,
  });
  await things.insertMany([
    { _id: 'n1', customer: 'n', part: null },
    { _id: 'n2', customer: 'n', part: ['x', null] },
    { _id: 'n3', customer: 'n', part: [] },
  ]);
  t.is((await things.find({ customer: 'n', part: null }).toArray()).length, 2);
});
