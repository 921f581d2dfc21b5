import test from 'ava';
import { runChaos } from './chaos.ts';

const SEED = 1;

test('half a minute of faults on real processes: every accepted order ends, and every invariant holds', async (t) => {
  const { violations, faults, counts, logs } = await runChaos({
    seed: SEED,
    forMs: 30_000,
    ratePerS: 4,
    say: (text) => t.log(text),
  });
  t.log(Object.fromEntries(counts));
  t.deepEqual(violations, [], `npm run chaos -- --minutes 0.5 --rate 4 --seed ${SEED}\n${logs.slice(-200).join('\n')}`);
  t.true(faults.size >= 3, 'several kinds of faults happened');
  t.true((counts.get('orders') ?? 0) >= 60, 'most orders were accepted');
});
