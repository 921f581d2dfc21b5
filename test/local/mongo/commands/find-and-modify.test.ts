import test from 'ava';
import { codeOf, mongoWorld, odd } from '#test/support/mongo-world.ts';

test('the document comes back as it was, or as it is', async (t) => {
  const { things } = await mongoWorld(t);
  await things.insertOne({ _id: 'x', n: 1 });
  t.deepEqual(await things.findOneAndUpdate({ _id: 'x' }, { $inc: { n: 1 } }), odd({ _id: 'x', n: 1 }));
  const after = await things.findOneAndUpdate({ _id: 'x' }, { $inc: { n: 1 } }, { returnDocument: 'after' });
  t.deepEqual(after, odd({ _id: 'x', n: 3 }));
  t.is(await things.findOneAndUpdate({ _id: 'y' }, { $inc: { n: 1 } }), null);
});

test('of several matches the first in the wanted order is changed', async (t) => {
  const { things } = await mongoWorld(t);
  await things.insertMany([1, 2, 3].map((n) => ({ _id: n, n })));
  const taken = await things.findOneAndUpdate({ done: null }, { $set: { done: true } }, { sort: { n: -1 } });
  t.is(taken?._id, 3);
  t.deepEqual(
    await things.findOneAndDelete({ done: null }, { sort: { n: 1 }, projection: { _id: 1 } }),
    odd({ _id: 1 }),
  );
  t.deepEqual((await things.find().sort({ _id: 1 }).toArray()) as unknown, [
    { _id: 2, n: 2 },
    { _id: 3, n: 3, done: true },
  ]);
});

test('an upsert gives null, or the new document', async (t) => {
  const { things } = await mongoWorld(t);
  t.is(await things.findOneAndUpdate({ _id: 'x' }, { $set: { n: 1 } }, { upsert: true }), null);
  const replaced = await things.findOneAndReplace({ _id: 'y' }, { n: 2 }, { upsert: true, returnDocument: 'after' });
  t.deepEqual(replaced, odd({ _id: 'y', n: 2 }));
  const full = await things.findOneAndUpdate(
    { _id: 'z' },
    { $set: { n: 3 } },
    { upsert: true, includeResultMetadata: true },
  );
  t.deepEqual(full.lastErrorObject as unknown, { n: 1, updatedExisting: false, upserted: 'z' });
});

test('a lost compare-and-set with upsert collides', async (t) => {
  const { things } = await mongoWorld(t);
  await things.insertOne({ _id: 'x', v: 2 });
  t.is(await codeOf(things.findOneAndUpdate({ _id: 'x', v: 1 }, { $set: { v: 2 } }, { upsert: true })), 11000);
});
