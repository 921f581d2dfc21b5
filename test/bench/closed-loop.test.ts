import test from 'ava';
import { createClosedLoop } from '#bench/loop/closed-loop.ts';

/** Completes each order `ms` after it was placed. */
function loopOf(ms: number) {
  let most = 0;
  let open = 0;
  const loop = createClosedLoop(async (orderId) => {
    open += 1;
    most = Math.max(most, open);
    setTimeout(() => {
      open -= 1;
      loop.completed(orderId);
    }, ms);
  });
  return { loop, most: () => most };
}

test('as many orders as were asked for are on their way, and none is left behind', async (t) => {
  const { loop, most } = loopOf(5);
  const { completed, perS, p50Ms, seconds } = await loop.run({ inFlight: 10, seconds: 0.2, warmUpSeconds: 0.05 });
  t.is(most(), 10);
  t.true(completed >= 10);
  t.true(Math.abs(perS - completed / seconds) < 0.001);
  t.true(p50Ms >= 4);
});

test('what is slow is measured until as many as are on their way were completed', async (t) => {
  const { loop } = loopOf(100);
  const { completed, seconds } = await loop.run({ inFlight: 5, seconds: 0.01, warmUpSeconds: 0.01 });
  t.true(completed >= 5);
  t.true(seconds >= 0.09);
});

test('an order that nobody placed completes nothing', async (t) => {
  const { loop } = loopOf(5);
  loop.completed('unknown');
  const { completed } = await loop.run({ inFlight: 1, seconds: 0.05, warmUpSeconds: 0 });
  t.true(completed <= loop.placed);
});
