import test from 'ava';
import { pacePerS } from '#services/circuit-breaker/pace.ts';

const policy = { startPerS: 5, capPerS: 100 };
const at = (now: number, closedSince: number | undefined = 0, lastExpiryAt = -Infinity): number =>
  pacePerS(policy, 1000, { closedSince, lastExpiryAt, now });

test('few at first, twice as many after every cycle without an expiry, up to the cap', (t) => {
  t.deepEqual(
    [0, 999, 1000, 2500, 4000, 9000, 1e12].map((now) => at(now)),
    [5, 5, 10, 20, 80, 100, 100],
  );
});

test('nothing while the gate is not closed', (t) => {
  t.is(pacePerS(policy, 1000, { closedSince: undefined, lastExpiryAt: -Infinity, now: 5000 }), 0);
});

test('one expiry stops it for a cycle, then it begins low again', (t) => {
  t.deepEqual(
    [5000, 5999, 6000, 7000].map((now) => at(now, 0, 5000)),
    [0, 0, 5, 10],
  );
});
