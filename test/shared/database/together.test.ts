import test from 'ava';
import { together } from '#shared/database/together.ts';

test('what is asked for in one turn is asked for once, and each gets what was found', async (t) => {
  const asked: (readonly string[])[] = [];
  const find = together(async (ids: readonly string[]) => {
    asked.push(ids);
    return new Map(ids.map((id) => [id, `${id}!`]));
  });
  const [one, other] = await Promise.all([find(['a', 'b']), find(['c'])]);
  t.deepEqual(asked, [['a', 'b', 'c']]);
  t.is(one.get('b'), 'b!');
  t.is(other.get('c'), 'c!');
  await find(['d']);
  t.deepEqual(asked[1], ['d']);
});

test('items that cannot be written fail alone, those asked for with them do not', async (t) => {
  const written: string[] = [];
  const write = together(
    async (items: readonly string[]) => {
      if (items.includes('bad')) throw new TypeError('bad');
      written.push(...items);
    },
    (error) => error instanceof TypeError,
  );
  const [good, bad] = await Promise.allSettled([write(['good']), write(['bad'])]);
  t.is(good.status, 'fulfilled');
  t.is(bad.status, 'rejected');
  t.deepEqual(written, ['good']);
});

test('an outage fails all that ask, with one question', async (t) => {
  let tries = 0;
  const write = together(
    async () => {
      tries += 1;
      throw new Error('away');
    },
    () => false,
  );
  const results = await Promise.allSettled([write([1]), write([2]), write([3])]);
  t.true(results.every(({ status }) => status === 'rejected'));
  t.is(tries, 1);
});
