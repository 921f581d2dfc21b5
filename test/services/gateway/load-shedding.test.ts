import fc from 'fast-check';
import test from 'ava';
import { createLoadShedding } from '#services/gateway/load-shedding.ts';
import { seeded } from '#local/stand-ins/misbehaviour.ts';
import { startWorld } from './world.ts';
import { until } from '#test/support/until.ts';

const STEP_MS = 10;
/** What an order takes where nothing waits, ms, and how many times one of its messages waits where they do. */
const ORDER_MS = 100;
const HOPS = 12;

interface Shop {
  readonly capacityPerS: number;
  readonly seed?: number;
  /** By how much clocks differ. */
  skewMs?: number;
}

/** A shop that works off so many orders a second and tells, as workers do, how long messages waited: late, and not precisely. */
function shop({ capacityPerS, seed = 1, skewMs = 0 }: Shop) {
  let now = 0;
  let open = 0;
  let due = 0;
  let beatAt = 0;
  let window = { sum: 0, steps: 0 };
  let measured: number | undefined;
  let told: number | undefined;
  const random = seeded(seed);
  const clocks = { skewMs };
  const logged: string[] = [];
  const shed = createLoadShedding({
    clock: { now: () => now, random: seeded(1) },
    waitedMs: () => told,
    mayWaitMs: 200,
    log: { warn: (text) => logged.push(text), info: (text) => logged.push(text) },
  });
  const waitsMs = (): number => (Math.max(0, open - (capacityPerS * ORDER_MS) / 1000) * 1000) / (HOPS * capacityPerS);

  return {
    clocks,
    logged,
    /** Offers orders for a while; tells how many were taken, how many not, how many ended, and the longest that an order had to wait. */
    offer(perS: number, forMs: number) {
      const seen = { taken: 0, shed: 0, ended: 0, longestMs: 0, waits: [] as number[] };
      for (const end = now + forMs; now < end; now += STEP_MS) {
        for (due += (perS * STEP_MS) / 1000; due >= 1; due -= 1) {
          const waitMs = shed();
          if (waitMs === undefined) {
            seen.taken += 1;
            open += 1;
          } else {
            seen.shed += 1;
            seen.waits.push(waitMs);
          }
        }
        const ended = (Math.min(capacityPerS, (open * 1000) / ORDER_MS) * STEP_MS) / 1000;
        open -= ended;
        seen.ended += ended;
        seen.longestMs = Math.max(seen.longestMs, HOPS * waitsMs());
        window = { sum: window.sum + waitsMs(), steps: window.steps + 1 };
        if (now - beatAt < 1000) continue;
        beatAt = now;
        told = measured;
        measured = Math.max(0, (5 + window.sum / window.steps) * Math.exp(0.4 * (2 * random() - 1)) + clocks.skewMs);
        window = { sum: 0, steps: 0 };
      }
      return seen;
    },
  };
}

const shops = fc.record({ capacityPerS: fc.integer({ min: 20, max: 1000 }), seed: fc.nat() });

test('below the capacity every order is taken', (t) => {
  fc.assert(
    fc.property(shops, fc.integer({ min: 1, max: 90 }), (one, percent) => {
      t.is(shop(one).offer((one.capacityPerS * percent) / 100, 60_000).shed, 0);
    }),
    { numRuns: 30, seed: 1 },
  );
});

test('far beyond the capacity most of it is used, nobody waits long, the rest is told to come seconds later', (t) => {
  const all: number[] = [];
  fc.assert(
    fc.property(shops, fc.integer({ min: 15, max: 40 }), (one, tenths) => {
      const busy = shop(one);
      busy.offer(one.capacityPerS / 2, 5000);
      const seen = busy.offer((one.capacityPerS * tenths) / 10, 60_000);
      const used = seen.ended / (60 * one.capacityPerS);
      all.push(used);
      t.true(used > 0.75, `${used} of the capacity`);
      t.true(seen.longestMs < 30_000, `an order takes ${seen.longestMs} ms`);
      t.true(seen.waits.every((waitMs) => waitMs >= 1000 && waitMs <= 10_000));
    }),
    { numRuns: 50, seed: 1 },
  );
  const average = all.reduce((sum, used) => sum + used, 0) / all.length;
  t.true(average > 0.9, `${average} of the capacity on average`);
});

test('when it is over, whoever comes is taken and nobody waits: within 20 s', (t) => {
  fc.assert(
    fc.property(shops, fc.integer({ min: 15, max: 40 }), (one, tenths) => {
      const busy = shop(one);
      busy.offer((one.capacityPerS * tenths) / 10, 60_000);
      busy.offer(one.capacityPerS / 5, 20_000);
      const after = busy.offer(one.capacityPerS / 5, 30_000);
      t.is(after.shed, 0);
      t.is(busy.logged.at(-1), 'takes every order again');
      t.true(after.longestMs < 100, `an order takes ${after.longestMs} ms`);
    }),
    { numRuns: 50, seed: 1 },
  );
});

test('a moment in which messages wait long, such as after a pause, is not too many orders', (t) => {
  const busy = shop({ capacityPerS: 200 });
  busy.offer(50, 10_000);
  busy.clocks.skewMs = 1500;
  busy.offer(50, 1000);
  busy.clocks.skewMs = 0;
  t.is(busy.offer(50, 20_000).shed, 0);
});

test('a wait that fewer orders do not shorten, such as clocks that differ, counts as normal after a while; more than that does not', (t) => {
  const busy = shop({ capacityPerS: 200, skewMs: 1000 });
  busy.offer(50, 65_000);
  t.true(busy.offer(50, 5000).shed > 0);
  busy.offer(50, 50_000);
  t.is(busy.offer(50, 60_000).shed, 0);
  const flood = busy.offer(600, 60_000);
  t.true(flood.shed > 0.5 * flood.taken);
  t.true(flood.longestMs < 30_000);
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

test('while orders are shed, the retry of one that was taken gets its answer, and a new one does not', async (t) => {
  let isTooMuch = false;
  const { order, stop } = await startWorld({ shed: () => (isTooMuch ? 3000 : undefined) });
  t.teardown(stop);
  const headers = { 'idempotency-key': 'k' };
  const first = await order({ headers });
  t.is(first.status, 202);
  isTooMuch = true;
  const again = await order({ headers });
  t.is(again.status, 202);
  t.deepEqual(again.body, first.body);
  t.is(again.headers.get('idempotency-replayed'), 'true');
  t.is((await order({ headers: { 'idempotency-key': 'other' } })).status, 503);
  t.is((await order()).status, 503);
});
