import test from 'ava';
import { createLoadShedding, isSaturated } from '#services/gateway/load-shedding.ts';
import { createRoll } from '#services/gateway/worker-roll.ts';
import { seeded } from '#local/misbehaviour.ts';
import { startWorld } from './world.ts';
import { until } from '#test/support/until.ts';
import { PREFETCH } from '#shared/entity/limits.ts';
import { silentLog } from '#shared/log.ts';
import type { Announcement } from '#shared/partition/announcement.ts';

const STEP_MS = 10;

/** A shop that works off `capacityPerS` orders and tells so late, as workers do: from a second's old figures. */
function shop(capacityPerS: number) {
  let now = 0;
  let backlog = 0;
  let told = false;
  let toldAt = 0;
  const shed = createLoadShedding({
    clock: { now: () => now, random: seeded(1) },
    saturated: () => told,
    log: silentLog,
  });
  return {
    /** Offers orders for a while; tells how many were taken, how many not, and how long the line was at most. */
    offer(perS: number, forMs: number) {
      const seen = { taken: 0, shed: 0, longest: 0, waits: [] as number[] };
      for (const end = now + forMs; now < end; now += STEP_MS) {
        for (let n = 0; n < (perS * STEP_MS) / 1000; n += 1) {
          const waitMs = shed();
          if (waitMs === undefined) {
            seen.taken += 1;
            backlog += 1;
          } else {
            seen.shed += 1;
            seen.waits.push(waitMs);
          }
        }
        backlog = Math.max(0, backlog - (capacityPerS * STEP_MS) / 1000);
        seen.longest = Math.max(seen.longest, backlog);
        if (now - toldAt >= 1000) {
          toldAt = now;
          told = backlog > 50;
        }
      }
      return seen;
    },
  };
}

test('within capacity every order is taken', (t) => {
  const seen = shop(200).offer(100, 60_000);
  t.is(seen.shed, 0);
  t.is(seen.taken, 6000);
});

test('three times the capacity: the line stays short, most of the capacity is used, the rest is told to wait seconds', (t) => {
  const capacity = 200;
  const busy = shop(capacity);
  const seen = busy.offer(3 * capacity, 60_000);
  t.log(seen.taken, 'taken of', 60 * capacity, 'possible; the longest line', Math.round(seen.longest));
  t.true(seen.longest < 6 * capacity, `${seen.longest} wait`);
  t.true(seen.taken > 0.6 * capacity * 60);
  t.true(seen.waits.every((waitMs) => waitMs >= 1000 && waitMs <= 10_000));
});

test('ten seconds after it is over every order is taken again', (t) => {
  const busy = shop(200);
  busy.offer(600, 60_000);
  busy.offer(60, 10_000);
  t.is(busy.offer(60, 20_000).shed, 0);
});

test('workers have their hands full when half of the partitions of one of the routes do', (t) => {
  let now = 0;
  const roll = createRoll({ now: () => now }, 5000);
  const announce = (worker: string, route: string, inHand: readonly number[]): void =>
    roll.take({
      kind: 'alive',
      worker,
      service: route,
      route,
      incarnation: 'first',
      since: 0,
      draining: false,
      tableVersion: 1,
      registrations: {},
      rates: { handledPerS: 0 },
      partitions: Object.fromEntries(
        inHand.map((count, index) => [index, { inHand: count, oldestMs: null, handledPerS: 0 }]),
      ),
    } satisfies Announcement);
  const saturated = (): boolean =>
    isSaturated(roll, { routes: ['order', 'saga'], partitions: 8, now, heartbeatMs: 1000 });

  announce('order-1', 'order', [0, 0, 0, 0, 0, 0, 0, 0]);
  announce(
    'notify-1',
    'notify',
    Array.from({ length: 8 }, () => PREFETCH),
  );
  t.false(saturated(), 'a route that no order waits for');
  announce('saga-1', 'saga', [PREFETCH, PREFETCH, PREFETCH, 10]);
  t.false(saturated(), 'three of eight');
  announce('saga-2', 'saga', [PREFETCH]);
  t.true(saturated(), 'four of eight, at two workers');
  now += 3000;
  t.false(saturated(), 'what was said long ago says nothing');
});

test('more orders at once than can be taken: the rest is told to come later, and leaves nothing behind', async (t) => {
  const { order, bus, requests, stop } = await startWorld({ settings: { maxPlacing: 2 } });
  t.teardown(stop);
  const { promise: confirmed, resolve: confirm } = Promise.withResolvers<void>();
  bus.behave(() => confirmed);
  const [first, second] = [order({ headers: { 'idempotency-key': 'k' } }), order()];
  await until(
    'two are on their way',
    () => requests.all().length,
    (count) => count === 2,
  );
  const third = await order();
  t.is(third.status, 503);
  t.like(third.body, { type: '/problems/overloaded' });
  t.regex(third.headers.get('retry-after') ?? '', /^[2-5]$/);
  t.is(requests.all().length, 2);
  confirm();
  t.deepEqual([(await first).status, (await second).status], [202, 202]);
  t.is((await order()).status, 202);
});
