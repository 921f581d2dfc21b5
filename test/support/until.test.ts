import test from 'ava';
import { patience, until } from './until.ts';

test('what still moves is waited for, longer than the limit', async (t) => {
  let n = 0;
  const last = await until(
    'it is 8',
    () => (n += 1),
    (value) => value === 8,
    { limitMs: 40, everyMs: 30 },
  );
  t.is(last, 8);
});

test('what stands still is given up, with what was seen last', async (t) => {
  const waiting = until(
    'it is 3',
    () => ({ n: 2 }),
    ({ n }) => n === 3,
    { limitMs: 20, everyMs: 5, show: () => 'the log' },
  );
  const { message } = (await t.throwsAsync(waiting)) ?? { message: '' };
  t.regex(message, /not so after \d+ ms, the last \d+ of them without any change: it is 3/);
  t.regex(message, /"n": 2/);
  t.regex(message, /the log/);
});

test('an error is something seen, and the cause of giving up', async (t) => {
  const waiting = until('it can be read', () => Promise.reject(new Error('refused')), Boolean, {
    limitMs: 20,
    everyMs: 5,
  });
  const error = await t.throwsAsync(waiting);
  t.is((error?.cause as Error | undefined)?.message, 'refused');
});

test('a machine that has more to do gets more time, within reason', (t) => {
  t.true(patience(1000) >= 1000 && patience(1000) <= 6000);
});
