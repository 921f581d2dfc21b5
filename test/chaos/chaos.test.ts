import test from 'ava';
import { runChaos } from './chaos.ts';

const SEED = 1;
const KINDS = 7;

test('half a minute of faults on real processes: every accepted order ends, and every invariant holds', async (t) => {
  const { violations, faults, impossible, counts, logs } = await runChaos({
    seed: SEED,
    forMs: 30_000,
    ratePerS: 4,
    say: (text) => t.log(text),
  });
  t.log(Object.fromEntries(counts));
  t.deepEqual(violations, [], `npm run chaos -- --minutes 0.5 --rate 4 --seed ${SEED}\n${logs.slice(-200).join('\n')}`);
  // How many its seed draws, each of another kind.
  t.is(new Set([...faults.keys(), ...impossible.keys()]).size, KINDS);
  t.true(faults.size >= KINDS - 2, [...impossible].join('; '));
  t.true((counts.get('orders') ?? 0) >= 60, 'most orders were accepted');
  t.true((counts.get('checkouts approved') ?? 0) >= 10, 'of those that buy most were under way');
});
