import test from 'ava';
import { faultKinds } from './faults.ts';
import { simulate } from './simulate.ts';

const SEEDS = 200;

test('the same seed gives the same history, byte for byte', async (t) => {
  const [once, again, other] = [await simulate(4711), await simulate(4711), await simulate(4712)];
  t.deepEqual(again.history, once.history);
  t.is(again.fingerprint, once.fingerprint);
  t.not(other.fingerprint, once.fingerprint);
});

test(`${SEEDS} simulated runs with crashes, pauses, lost connections and failing stores: every invariant holds`, async (t) => {
  const faults = new Map<string, number>();
  const counts = new Map<string, number>();
  for (let seed = 1; seed <= SEEDS; seed += 1) {
    const outcome = await simulate(seed);
    t.deepEqual(outcome.violations, [], `npm run simulate:faults -- --seeds 1 --from ${seed} --history`);
    for (const [kind, n] of outcome.faults) faults.set(kind, (faults.get(kind) ?? 0) + n);
    for (const [what, n] of outcome.counts) counts.set(what, (counts.get(what) ?? 0) + n);
  }
  t.log(Object.fromEntries(counts));
  t.log(Object.fromEntries(faults));
  for (const end of ['completed', 'failed', 'cancelled', 'steps undone']) t.true((counts.get(end) ?? 0) > 0, end);
  const drawn = [
    'kill',
    'stand still',
    'retire',
    'outage',
    'roll back',
    'primary cut off',
    'ring changed',
    'document refused',
    'wake expired',
    'newer message, its version comes',
    'newer message, its version never comes',
  ];
  for (const kind of [...faultKinds, ...drawn]) t.true((faults.get(kind) ?? 0) > 0, kind);
});
