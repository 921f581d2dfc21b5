import test from 'ava';
import { aBreaker, aSnapshot, policy } from './breaker-world.ts';
import type { BreakerReply, ParkedItem } from '#services/circuit-breaker/contract.ts';
import { createBoard } from '#services/circuit-breaker/board.ts';
import { createWhereItWaits } from '#services/console/where-it-waits.ts';
import { createRoll } from '#shared/partition/roll.ts';
import { PublishError } from '#shared/errors.ts';
import { createVirtualClock } from '#test/support/virtual-clock.ts';

const item: ParkedItem = {
  route: 'payment',
  messageId: 'order-1:create-payment:do',
  type: 'payment.create',
  key: 'pay-1',
  correlationId: 'order-1',
  firstExpiredAt: Date.UTC(2026, 0, 1, 5, 12, 2),
  lastExpiredAt: Date.UTC(2026, 0, 1, 5, 12, 2),
  expiries: 1,
  redriven: 0,
};

function world({ parked = 1, registered = false, answer = [item] as readonly ParkedItem[] | Error } = {}) {
  const clock = createVirtualClock();
  const board = createBoard(clock);
  board.take(aSnapshot([aBreaker('payment', { parked })], clock.now()));
  const roll = createRoll(clock, 60_000);
  roll.take({
    kind: 'alive',
    worker: 'payment-1',
    service: 'payment',
    route: 'payment',
    incarnation: 'first',
    since: 0,
    draining: false,
    tableVersion: 1,
    registrations: registered ? { 0: { id: 'a' } } : {},
    rates: { handledPerS: 0 },
    partitions: {},
  });
  let asked = 0;
  const askBreaker = async (): Promise<BreakerReply> => {
    asked += 1;
    if (answer instanceof Error) throw answer;
    return { id: 'x', ok: true, parked: [...answer] };
  };
  const where = createWhereItWaits({ board, askBreaker, roll, clock });
  const sentAt = clock.now();
  const waiting = { type: 'payment.create', since: new Date(sentAt).toISOString() };
  const reason = (orderId = 'order-1') => where({ ...waiting, correlationId: orderId });
  return { clock, reason, asked: () => asked };
}

test('a message that expired is told of as parked, since when, and that nobody works on its route', async (t) => {
  const { clock, reason } = world();
  await clock.advance(policy.ttlMs);
  t.is(await reason(), 'parked since 05:12:02: nobody works on payment');
});

test('where somebody works on the route, it did not take the message in time', async (t) => {
  const { clock, reason } = world({ registered: true });
  await clock.advance(policy.ttlMs);
  t.is(await reason(), 'parked since 05:12:02: payment did not take it in time');
});

test('a message that cannot have expired yet, or of which nothing is parked, makes nobody look', async (t) => {
  const early = world();
  await early.clock.advance(policy.ttlMs - 1);
  t.is(await early.reason(), undefined);
  const empty = world({ parked: 0 });
  await empty.clock.advance(60_000);
  t.is(await empty.reason(), undefined);
  t.deepEqual([early.asked(), empty.asked()], [0, 0]);
});

test('many who ask are served by one look', async (t) => {
  const { clock, reason, asked } = world();
  await clock.advance(policy.ttlMs);
  const reasons = await Promise.all(Array.from({ length: 20 }, (_, n) => reason(`order-${n}`)));
  t.is(reasons.filter((one) => one !== undefined).length, 1, 'only of the order whose message is parked');
  t.is(asked(), 1);
  await clock.advance(3000);
  await reason();
  t.is(asked(), 2);
});

test('a breaker that does not answer leaves the timeline as it is', async (t) => {
  const { clock, reason } = world({ answer: new PublishError('not-connected', 'control', 'away') });
  await clock.advance(policy.ttlMs);
  t.is(await reason(), undefined);
});
