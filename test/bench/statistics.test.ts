import test from 'ava';
import { median, quantile, ratio } from '#bench/statistics.ts';

test('the median of an even number of values lies between the two in the middle', (t) => {
  t.is(median([4, 1, 3]), 3);
  t.is(median([4, 1, 3, 2]), 2.5);
  t.is(median([]), Number.NaN);
});

test('a quantile does not depend on the order in which the values came, and leaves them as they are', (t) => {
  const values = [5, 1, 4, 2, 3];
  t.is(quantile(values, 0.5), 3);
  t.is(quantile(values, 0.99), 5);
  t.is(quantile(values, 0), 1);
  t.deepEqual(values, [5, 1, 4, 2, 3]);
  t.is(quantile([], 0.5), Number.NaN);
});

test('a ratio pairs the rounds: a machine that is slow in one of them changes nothing', (t) => {
  t.is(ratio([50, 5, 50], [100, 10, 100]), 0.5);
  t.is(ratio([50, 50], [100]), 0.5, 'a round without a partner does not count');
  t.is(ratio([], [100]), Number.NaN);
});
