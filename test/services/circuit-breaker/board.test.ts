import test from 'ava';
import { aBreaker, anOpen, aSnapshot, policy } from '#test/services/console/breaker-world.ts';
import { createBoard, STALE_MS } from '#services/circuit-breaker/board.ts';
import { createVirtualClock } from '#test/support/virtual-clock.ts';

function setUp() {
  const clock = createVirtualClock();
  return { clock, board: createBoard(clock) };
}

test('nothing is refused before any breaker reported, nor for routes that nobody reported', (t) => {
  const { board, clock } = setUp();
  t.is(board.openRoute(['payment']), undefined);
  board.take(aSnapshot([anOpen('payment', clock.now(), 2000)], clock.now()));
  t.is(board.openRoute(['wallet', 'order']), undefined);
  t.is(board.openRoute(['wallet', 'payment'])?.route, 'payment');
});

test('only open is refused: half-open still takes messages', (t) => {
  const { board, clock } = setUp();
  board.take(aSnapshot([aBreaker('payment', { state: 'half_open', cycleEndsAt: clock.now() + 1 })], clock.now()));
  t.is(board.openRoute(['payment']), undefined);
});

test('a snapshot refuses for three seconds and not longer', async (t) => {
  const { board, clock } = setUp();
  board.take(aSnapshot([anOpen('payment', clock.now(), 60_000)], clock.now()));
  await clock.advance(STALE_MS);
  t.is(board.openRoute(['payment'])?.route, 'payment');
  await clock.advance(1);
  t.is(board.openRoute(['payment']), undefined);
  board.take(aSnapshot([anOpen('payment', clock.now(), 60_000)], clock.now()));
  t.is(board.openRoute(['payment'])?.route, 'payment');
});

test('of several open routes the one that stays open longest is named', (t) => {
  const { board, clock } = setUp();
  const now = clock.now();
  board.take(aSnapshot([anOpen('payment', now, 1000), anOpen('wallet', now, 3000)], now));
  t.deepEqual(board.openRoute(['payment', 'wallet']), { route: 'wallet', retryAfterMs: 3000 });
});

test('the wait counts down to the end of the cycle, whatever the leader’s clock shows, and is at least 1 ms', async (t) => {
  const { board, clock } = setUp();
  const theirs = clock.now() + 3_600_000;
  board.take(aSnapshot([anOpen('payment', theirs, 2500)], theirs));
  t.is(board.openRoute(['payment'])?.retryAfterMs, 2500);
  await clock.advance(1000);
  t.is(board.openRoute(['payment'])?.retryAfterMs, 1500);
  await clock.advance(1900);
  t.is(board.openRoute(['payment'])?.retryAfterMs, 1);
});

test('a forced open route is asked for again when the override ends, however late that is', (t) => {
  const { board, clock } = setUp();
  const now = clock.now();
  const forced = (ms: number) =>
    aBreaker('payment', { state: 'open', machine: 'closed', override: { state: 'open', until: now + ms } });
  board.take(aSnapshot([forced(1200)], now));
  t.is(board.openRoute(['payment'])?.retryAfterMs, 1200);
  board.take(aSnapshot([forced(3_600_000)], now));
  t.is(board.openRoute(['payment'])?.retryAfterMs, 3_600_000);
});

test('a late snapshot does not undo a newer one, and does not make it fresh', async (t) => {
  const { board, clock } = setUp();
  const now = clock.now();
  const opened = anOpen('payment', now, 9000, { generation: 5 });
  board.take(aSnapshot([opened], now));
  await clock.advance(2000);
  board.take(aSnapshot([aBreaker('payment', { generation: 4 })], now + 5000));
  t.is(board.openRoute(['payment'])?.route, 'payment', 'of a former leader: a lower generation');
  board.take(aSnapshot([aBreaker('payment', { generation: 5 })], now - 1));
  t.is(board.openRoute(['payment'])?.route, 'payment', 'the same generation, said earlier');
  await clock.advance(1001);
  t.is(board.openRoute(['payment']), undefined);
});

test('a lower generation counts once the higher one is stale: the breaker may have lost its state', async (t) => {
  const { board, clock } = setUp();
  board.take(aSnapshot([anOpen('payment', clock.now(), 9000, { generation: 5 })], clock.now()));
  await clock.advance(STALE_MS + 1);
  board.take(aSnapshot([anOpen('payment', clock.now(), 1000, { generation: 1 })], clock.now()));
  t.is(board.openRoute(['payment'])?.retryAfterMs, 1000);
});

test('a route that the broker refused before news of it came is asked for again after its cycle', (t) => {
  const { board, clock } = setUp();
  t.is(board.retryAfterMs('payment'), undefined);
  board.take(aSnapshot([aBreaker('payment')], clock.now()));
  t.is(board.retryAfterMs('payment'), policy.cycleMs);
  board.take(aSnapshot([anOpen('payment', clock.now(), 700)], clock.now()));
  t.is(board.retryAfterMs('payment'), 700);
});
