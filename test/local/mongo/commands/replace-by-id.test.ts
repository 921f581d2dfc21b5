import test from 'ava';
import fc from 'fast-check';
import { mongo } from 'mongoose';
import { mongoWorld } from '#test/support/mongo-world.ts';

const { Double, Long } = mongo;
const version = fc.constantFrom<unknown>(0, 1, new Double(1), Long.fromNumber(2), 2.5, '1', null, [1], undefined);

const operation = fc.record({
  id: fc.constantFrom<unknown>('a', 'b', 1, new Double(1)),
  filtered: version,
  replaced: version,
  ownId: fc.boolean(),
  upsert: fc.boolean(),
  extra: fc.constantFrom({}, { text: 'x' }, { nested: { v: 1 }, list: [] }),
});

/** The same operations, once as the hot path takes them, once with `_id` last in the filter, which it leaves alone. */
test('the hot path of replacements does what the general one does', async (t) => {
  const { db } = await mongoWorld(t);
  const native = db.getClient().db(db.name);
  let run = 0;
  /** Whole and fractional numbers are one `_id`, and not the same document. */
  const twoTypes = [1, new Double(1)].map((id, n) => ({
    id,
    filtered: n,
    replaced: 1,
    ownId: true,
    upsert: n === 0,
    extra: {},
  }));
  await fc.assert(
    fc.asyncProperty(fc.array(operation, { minLength: 1, maxLength: 12 }), async (operations) => {
      run += 1;
      const [hot, general] = ['hot', 'general'].map((name) => native.collection(`${name}-${run}`));
      const results = await Promise.all(
        [hot!, general!].map(async (collection) => {
          const updates = operations.map(({ id, filtered, replaced, ownId, upsert, extra }) => {
            const fields = filtered === undefined ? {} : { v: filtered };
            return {
              q: collection === hot ? { _id: id, ...fields } : { ...fields, _id: id },
              u: { ...(ownId ? { _id: id } : {}), ...(replaced === undefined ? {} : { v: replaced }), ...extra },
              upsert,
            };
          });
          const { n, nModified, upserted, writeErrors } = await native
            .command({ update: collection.collectionName, updates, ordered: false }, { ignoreUndefined: false })
            .catch((error: mongo.MongoServerError) => error.errorResponse as mongo.Document);
          const errors = (writeErrors as { index: number; code: number }[] | undefined)?.map(({ index, code }) => [
            index,
            code,
          ]);
          const stored = await collection.find().sort({ _id: 1 }).toArray();
          return { n: Number(n), nModified: Number(nModified), upserted: upserted as unknown, errors, stored };
        }),
      );
      t.deepEqual(results[0], results[1]);
      await Promise.all([hot!.drop(), general!.drop()]);
    }),
    { numRuns: 60, examples: [[twoTypes]] },
  );
  t.true(run > 0);
});
