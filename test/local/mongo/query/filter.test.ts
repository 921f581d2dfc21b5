import test from 'ava';
import { Binary, Double, Int32, Long, ObjectId } from 'bson';
import fc from 'fast-check';
import { Query } from 'mingo';
import { compileFilter } from '#local/mongo/query/filter.ts';
import { decode, encode } from '#local/mongo/protocol/raw.ts';

const value = fc.oneof(
  fc.constantFrom<unknown>(null, true, false, 'a', 'b', '', new Date(1), new Date(2), new ObjectId('0'.repeat(24))),
  fc.constantFrom<unknown>(
    new Int32(1),
    new Double(1),
    Long.fromNumber(1),
    new Double(1.5),
    new Int32(2),
    new Double(-1),
  ),
  fc.constantFrom<unknown>([1, 2], [], ['a'], {}, { x: 1 }, [[1]], new Binary(Buffer.from('a'))),
);
const condition = fc.oneof(
  value,
  fc.dictionary(fc.constantFrom('$gt', '$gte', '$lt', '$lte'), value, { minKeys: 1, maxKeys: 2 }),
);

test('what is compared in raw BSON is what mingo says of the decoded documents', (t) => {
  const documents = fc.dictionary(fc.constantFrom('a', 'b', 'ab'), value);
  const filters = fc.dictionary(fc.constantFrom('a', 'b', 'ab'), condition, { maxKeys: 2 });
  fc.assert(
    fc.property(documents, filters, (document, filter) => {
      const raw = encode({ _id: 1, ...document });
      const expected = new Query(decode(encode(filter)), { scriptEnabled: false }).test(decode(raw));
      return compileFilter(encode(filter)).matches(raw) === expected;
    }),
    { numRuns: 3000 },
  );
  t.pass();
});
