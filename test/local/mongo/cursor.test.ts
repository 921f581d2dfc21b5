import test from 'ava';
import { mongo } from 'mongoose';
import { codeOf, mongoWorld } from '#test/support/mongo-world.ts';

test('a long result arrives in batches, complete and in order', async (t) => {
  const { things } = await mongoWorld(t);
  await things.insertMany(Array.from({ length: 1000 }, (_, _id) => ({ _id, n: _id % 7 })));
  const plain = await things.find().batchSize(33).toArray();
  t.deepEqual(
    plain.map(({ _id }) => _id),
    Array.from({ length: 1000 }, (_, n) => n),
  );
  const sorted = await things
    .find({ n: { $lt: 3 } })
    .sort({ n: -1, _id: 1 })
    .limit(300)
    .batchSize(50)
    .toArray();
  t.is(sorted.length, 300);
  t.deepEqual(
    sorted.slice(141, 144).map(({ n, _id }) => [n, _id]),
    [
      [2, 989],
      [2, 996],
      [1, 1],
    ],
  );
});

test('a cursor goes on over documents that change meanwhile', async (t) => {
  const { things } = await mongoWorld(t);
  await things.insertMany(Array.from({ length: 300 }, (_, _id) => ({ _id, n: 0 })));
  const seen = new Set<unknown>();
  const cursor = things.find().batchSize(10);
  for await (const { _id } of cursor) {
    t.false(seen.has(_id));
    seen.add(_id);
    await things.updateOne({ _id }, { $inc: { n: 1 }, $set: { text: 'y'.repeat(100) } });
  }
  t.is(seen.size, 300);
});

test('a closed cursor is gone', async (t) => {
  const { db, things } = await mongoWorld(t);
  await things.insertMany(Array.from({ length: 50 }, (_, _id) => ({ _id })));
  const native = db.getClient().db(db.name);
  const first = await native.command({ find: 'things', batchSize: 2 });
  const id = first['cursor'].id as mongo.Long;
  const more = { getMore: mongo.Long.fromValue(id), collection: 'things', batchSize: 2 };
  t.is((await native.command(more))['cursor'].nextBatch.length, 2);
  const killed = await native.command({ killCursors: 'things', cursors: [mongo.Long.fromValue(id)] });
  t.is(killed['cursorsKilled'].length, 1);
  t.is(await codeOf(native.command(more)), 43);
});

test('a batch of zero opens a cursor; a single batch leaves none', async (t) => {
  const { db, things } = await mongoWorld(t);
  await things.insertMany([{ _id: 1 }, { _id: 2 }]);
  const native = db.getClient().db(db.name);
  const empty = await native.command({ find: 'things', batchSize: 0 });
  t.is(empty['cursor'].firstBatch.length, 0);
  t.not(Number(empty['cursor'].id), 0);
  const single = await native.command({ find: 'things', batchSize: 1, singleBatch: true });
  t.deepEqual([single['cursor'].firstBatch.length, Number(single['cursor'].id)], [1, 0]);
});

test('documents of some megabytes are split over batches', async (t) => {
  const { things } = await mongoWorld(t);
  for (let _id = 0; _id < 8; _id += 1) await things.insertOne({ _id, text: 'x'.repeat(3_000_000) });
  t.is((await things.find().toArray()).length, 8);
});
