import test from 'ava';
import fc from 'fast-check';
import { createRing } from '#shared/partition/ring.ts';

const names = fc.uniqueArray(fc.string({ minLength: 1, maxLength: 12 }), { minLength: 1, maxLength: 8 });

test('every key prefers all members, in an order that does not depend on how they are listed', (t) => {
  t.notThrows(() =>
    fc.assert(
      fc.property(names, fc.string(), (members, key) => {
        const order = createRing(members)(key);
        t.deepEqual(order.toSorted(), members.toSorted());
        t.deepEqual(createRing(members.toReversed())(key), order);
      }),
      { numRuns: 50 },
    ),
  );
});

test('a member that goes changes nothing about the order of the others', (t) => {
  const members = ['payment-1', 'payment-2', 'payment-3', '10.0.0.1:80', '7'];
  const all = createRing(members);
  for (const gone of members) {
    const rest = createRing(members.filter((member) => member !== gone));
    for (let key = 0; key < 50; key += 1)
      t.deepEqual(
        rest(`k${key}`),
        all(`k${key}`).filter((member) => member !== gone),
      );
  }
});

test('keys are spread over the members', (t) => {
  const ring = createRing(['a', 'b', 'c', 'd']);
  const first = Map.groupBy(
    Array.from({ length: 4000 }, (_, key) => key),
    (key) => ring(String(key))[0],
  );
  t.is(first.size, 4);
  for (const keys of first.values()) t.true(keys.length > 600 && keys.length < 1500, `${keys.length} of 4000`);
});

test('without members nobody is preferred', (t) => {
  t.deepEqual(createRing([])('a'), []);
});
