import test from 'ava';
import { mongo } from 'mongoose';
import { type Things, mongoWorld, odd } from '#test/support/mongo-world.ts';

async function bulkError(refused: Promise<unknown>): Promise<mongo.MongoBulkWriteError> {
  try {
    await refused;
  } catch (error) {
    return error as mongo.MongoBulkWriteError;
  }
  throw new Error('the bulk write did not fail');
}

function errorsOf(error: mongo.MongoBulkWriteError): unknown[] {
  return [error.writeErrors].flat().map(({ index, code }) => [index, code]);
}

async function all(things: Things): Promise<unknown> {
  return Object.fromEntries((await things.find().toArray()).map(({ _id, v }) => [_id, v as unknown]));
}

test('a mixed ordered bulk write does every operation and counts it', async (t) => {
  const { things } = await mongoWorld(t);
  const result = await things.bulkWrite([
    { insertOne: { document: { _id: 'a', v: 1 } } },
    { insertOne: { document: { _id: 'b', v: 1 } } },
    { updateOne: { filter: { _id: 'a' }, update: { $inc: { v: 1 } } } },
    { updateMany: { filter: {}, update: { $inc: { v: 1 } } } },
    { replaceOne: { filter: { _id: 'c' }, replacement: { v: 9 }, upsert: true } },
    { deleteOne: { filter: { _id: 'b' } } },
  ]);
  t.like(result, { insertedCount: 2, matchedCount: 3, modifiedCount: 3, deletedCount: 1, upsertedCount: 1 });
  t.deepEqual(result.upsertedIds, { 4: odd('c') });
  t.deepEqual(await all(things), { a: 3, c: 9 });
});

test('an ordered bulk write ends at its first error', async (t) => {
  const { things } = await mongoWorld(t);
  const error = await bulkError(
    things.bulkWrite([
      { insertOne: { document: { _id: 'a', v: 1 } } },
      { insertOne: { document: { _id: 'a', v: 2 } } },
      { insertOne: { document: { _id: 'b', v: 3 } } },
    ]),
  );
  t.deepEqual(errorsOf(error), [[1, 11000]]);
  t.is(error.result.insertedCount, 1);
  t.deepEqual(await all(things), { a: 1 });
});

test('an unordered bulk write does the rest and names the index of each error', async (t) => {
  const { things } = await mongoWorld(t);
  await things.insertMany([
    { _id: 'b', v: 1 },
    { _id: 'd', v: 1 },
  ]);
  const error = await bulkError(
    things.bulkWrite(
      ['a', 'b', 'c', 'd', 'e'].map((_id) => ({ insertOne: { document: { _id, v: 2 } } })),
      { ordered: false },
    ),
  );
  t.deepEqual(errorsOf(error), [
    [1, 11000],
    [3, 11000],
  ]);
  t.is(error.code, 11000);
  t.deepEqual(await all(things), { a: 2, b: 1, c: 2, d: 1, e: 2 });
});

test('only the losers of a batch of compare-and-sets collide', async (t) => {
  const { things } = await mongoWorld(t);
  await things.insertMany([
    { _id: 'a', v: 1 },
    { _id: 'b', v: 5 },
    { _id: 'c', v: 1 },
  ]);
  const swap = (_id: string, from: number) => ({
    replaceOne: { filter: { _id, v: from }, replacement: { v: from + 1 }, upsert: true },
  });
  const error = await bulkError(
    things.bulkWrite([swap('a', 1), swap('b', 1), swap('new', 0), swap('c', 1), swap('c', 1)], { ordered: false }),
  );
  t.deepEqual(errorsOf(error), [
    [1, 11000],
    [4, 11000],
  ]);
  t.like(error.result, { matchedCount: 2, modifiedCount: 2, upsertedCount: 1 });
  t.deepEqual(error.result.upsertedIds, { 2: odd('new') });
  t.deepEqual(await all(things), { a: 2, b: 5, c: 2, new: 1 });
});

test('a batch sees its own earlier writes', async (t) => {
  const { things } = await mongoWorld(t);
  const result = await things.bulkWrite(
    [0, 1, 2].map((v) => ({ replaceOne: { filter: { _id: 'x', v }, replacement: { v: v + 1 }, upsert: true } })),
  );
  t.like(result, { matchedCount: 2, modifiedCount: 2, upsertedCount: 1 });
  t.deepEqual(await all(things), { x: 3 });
});

test('a thousand operations in one batch keep their indexes', async (t) => {
  const { things } = await mongoWorld(t);
  await things.insertMany([{ _id: 'k500' }, { _id: 'k999' }]);
  const error = await bulkError(
    things.insertMany(
      Array.from({ length: 1000 }, (_, n) => ({ _id: `k${n}`, v: 'x'.repeat(2000) })),
      { ordered: false },
    ),
  );
  t.deepEqual(errorsOf(error), [
    [500, 11000],
    [999, 11000],
  ]);
  t.is(await things.countDocuments(), 1000);
});

test('two clients racing for one document: exactly one of each version wins', async (t) => {
  const { things } = await mongoWorld(t);
  await things.insertOne({ _id: 'x', v: 0 });
  let wins = 0;
  const racer = async (): Promise<void> => {
    for (let round = 0; round < 40; round += 1) {
      const { v } = (await things.findOne({ _id: 'x' })) as unknown as { v: number };
      const swapped = await things.replaceOne({ _id: 'x', v }, { v: v + 1 });
      wins += swapped.modifiedCount;
    }
  };
  await Promise.all([racer(), racer(), racer()]);
  t.deepEqual(await all(things), { x: wins });
});

test('an unacknowledged write is done without an answer', async (t) => {
  const { things } = await mongoWorld(t);
  await things.insertOne({ _id: 'a', v: 1 }, { writeConcern: { w: 0 } });
  let found = await things.findOne({ _id: 'a' });
  for (let tries = 0; found === null && tries < 100; tries += 1) found = await things.findOne({ _id: 'a' });
  t.deepEqual(await all(things), { a: 1 });
});
