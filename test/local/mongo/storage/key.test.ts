import test from 'ava';
import fc from 'fast-check';
import { Binary, Double, Int32, Long, ObjectId, Timestamp } from 'bson';
import { afterPrefix, inverted, keyOfValue } from '#local/mongo/storage/key.ts';

const ordered: readonly unknown[] = [
  null,
  -Infinity,
  Long.fromString('-9223372036854775808'),
  -1e10,
  -1,
  -0.5,
  0,
  1e-300,
  1,
  1.5,
  2,
  2147483648,
  Long.fromString('9007199254740992'),
  Long.fromString('9007199254740993'),
  Long.fromString('9007199254740994'),
  1e300,
  Infinity,
  '',
  '\0',
  '\0\0',
  '\0a',
  'a',
  'a\0',
  'aa',
  'b',
  'ä',
  '🚂',
  {},
  { a: 1 },
  { a: 2 },
  { a: 2, b: 1 },
  { b: 1 },
  { a: 'x' },
  new Binary(Buffer.from('b')),
  new Binary(Buffer.from('aa')),
  new Binary(Buffer.from('ab')),
  new ObjectId('000000000000000000000000'),
  new ObjectId('ffffffffffffffffffffffff'),
  false,
  true,
  new Date(-1),
  new Date(0),
  new Date(1),
  new Timestamp({ t: 1, i: 1 }),
  new Timestamp({ t: 2, i: 0 }),
];

test('keys compare as MongoDB orders the values, across types', (t) => {
  const keys = ordered.map(keyOfValue);
  for (const [index, key] of keys.entries()) {
    for (const [other, otherKey] of keys.entries()) {
      t.is(
        Math.sign(key.compare(otherKey)),
        Math.sign(index - other),
        `${String(ordered[index])} / ${String(ordered[other])}`,
      );
      t.is(Math.sign(inverted(key).compare(inverted(otherKey))), Math.sign(other - index));
    }
  }
});

test('numbers have one key whatever their type', (t) => {
  for (const key of [new Int32(5), Long.fromNumber(5)].map(keyOfValue)) t.deepEqual(key, keyOfValue(new Double(5)));
  t.deepEqual(keyOfValue(new Double(-0)), keyOfValue(0));
});

test('any two strings and any two numbers keep their order in compound keys', (t) => {
  fc.assert(
    fc.property(
      fc.string({ unit: 'binary' }),
      fc.string({ unit: 'binary' }),
      fc.double({ noNaN: true }),
      fc.double({ noNaN: true }),
      (a, b, x, y) => {
        const key = (text: string, n: number) => Buffer.concat([keyOfValue(text), keyOfValue(n)]);
        const byText = Buffer.compare(Buffer.from(a), Buffer.from(b));
        const byNumber = x < y ? -1 : x > y ? 1 : 0;
        return Math.sign(key(a, x).compare(key(b, y))) === (byText === 0 ? byNumber : Math.sign(byText));
      },
    ),
  );
  t.pass();
});

test('the end of a prefix is after all its keys and before the next', (t) => {
  t.deepEqual(afterPrefix(Buffer.from([1, 2])), Buffer.from([1, 3]));
  t.deepEqual(afterPrefix(Buffer.from([1, 255])), Buffer.from([2]));
  t.is(afterPrefix(Buffer.from([255, 255])), undefined);
});
