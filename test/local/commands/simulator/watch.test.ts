import test from 'ava';
import fc from 'fast-check';
import { createWorld, properEnd } from './world.ts';
import { planOf } from '#local/commands/simulator/plan.ts';
import { simulate } from '#local/commands/simulator/run.ts';
import { depthOf, PAGE } from '#local/commands/simulator/watch.ts';

test('young open orders are read by pages, a few old ones alone', (t) => {
  t.is(depthOf([]), 0);
  t.is(depthOf([0, 1, 2]), 0);
  t.is(depthOf(Array.from({ length: 60 }, (_, index) => index)), 1);
  t.is(depthOf([...Array.from({ length: 150 }, (_, index) => index), 5000]), 2);
  t.is(depthOf(Array.from({ length: 3000 }, (_, index) => index)), 30);
});

test('no other depth is cheaper', (t) => {
  const positions = fc.uniqueArray(fc.nat({ max: 2000 }), { maxLength: 300 });
  fc.assert(
    fc.property(positions, (found) => {
      const sorted = found.toSorted((a, b) => a - b);
      const cost = (pages: number) => pages * 8 + sorted.filter((position) => position >= pages * PAGE).length;
      const chosen = cost(depthOf(sorted));
      for (let pages = 0; pages <= 21; pages += 1) t.true(chosen <= cost(pages));
    }),
    { numRuns: 200 },
  );
});

const start = { seed: 3, ratePerS: 100, customers: 20 };

test('reading costs far less than a request an order, in a healthy run and with thousands that hang', async (t) => {
  const healthy = createWorld();
  await healthy.clock.during(simulate({ ...healthy, plan: planOf({ ...start, count: 3000 }) }));
  t.true(healthy.readings().length < 1000, `${healthy.readings().length}`);
  const hanging = createWorld({ endOf: (body) => ({ ...properEnd(body), afterMs: 120_000 }) });
  const { rows } = await hanging.clock.during(simulate({ ...hanging, plan: planOf({ ...start, count: 3000 }) }));
  t.true(rows.every(({ outcome }) => outcome !== 'open'));
  const seconds = (hanging.clock.now() - rows[0]!.dueAt) / 1000;
  t.true(hanging.readings().length / seconds < 100, `${hanging.readings().length} in ${seconds} s`);
});

test('other orders of the same stack, ten times as many, hide nothing', async (t) => {
  const world = createWorld();
  const strangers = simulate({ ...world, plan: planOf({ ...start, ratePerS: 1000, count: 10_000, mix: { ok: 1 } }) });
  const mine = simulate({ ...world, plan: planOf({ ...start, count: 1000, names: 'mine', mix: { ok: 9, slow: 1 } }) });
  const { rows } = await world.clock.during(mine);
  t.is(rows.length, 1000);
  t.true(rows.every(({ outcome }) => outcome === 'completed'));
  await world.clock.during(strangers);
});

test('an API that is away for a while is asked again', async (t) => {
  const world = createWorld();
  let away = false;
  world.clock.after(500, () => (away = true));
  world.clock.after(8000, () => (away = false));
  const get: typeof world.api.get = (path) =>
    away ? Promise.reject(new TypeError('fetch failed')) : world.api.get(path);
  const plan = planOf({ ...start, count: 100, mix: { slow: 1 } });
  const { rows, waitingMs } = await world.clock.during(
    simulate({ api: { ...world.api, get }, clock: world.clock, plan }),
  );
  t.true(rows.every(({ outcome, endedAt, dueAt }) => outcome === 'completed' && endedAt! - dueAt < 1200));
  t.true(waitingMs > 6000);
});
