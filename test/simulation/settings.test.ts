import test from 'ava';
import { CLOCK_ERROR_MS, settingsOf } from './settings.ts';
import { limitsFor } from '#shared/entity/options.ts';

const seeds = Array.from({ length: 400 }, (_, index) => index + 1);

test('a seed always chooses the same settings, and says which', (t) => {
  t.deepEqual(settingsOf(7), settingsOf(7));
  t.not(settingsOf(7).shown, settingsOf(8).shown);
});

test('half of the seeds have limits that fifty orders reach, none below what clocks and the breaker need', (t) => {
  const small = seeds.map(settingsOf).filter(({ limits }) => limits.prefetch !== undefined);
  t.true(small.length > 150 && small.length < 250, `${small.length} of ${seeds.length}`);
  for (const { shown, limits, times, wallet } of small) {
    const { prefetch, stashSize, cacheSize, skewMs } = limitsFor(times.ttlMs, limits);
    t.true(prefetch < 10 && stashSize < 10 && cacheSize < 20, shown);
    t.true(skewMs > 2 * CLOCK_ERROR_MS && wallet.skewMs! > 2 * CLOCK_ERROR_MS, shown);
    t.true(times.cycleMs > times.delayMs + times.ttlMs, shown);
    t.true(times.stepMs > times.ttlMs + times.delayMs + times.cycleMs, shown);
  }
});
