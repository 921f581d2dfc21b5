import test from 'ava';
import { simulateQuestions } from './questions.ts';

const SEEDS = 25;

test(`${SEEDS} runs of questions with crashes, pauses and lost and doubled packets: each ends once, in time and right, and nothing stays`, async (t) => {
  const counts = new Map<string, number>();
  for (let seed = 1; seed <= SEEDS; seed += 1) {
    const outcome = await simulateQuestions(seed);
    t.deepEqual(outcome.violations, [], `seed ${seed}`);
    for (const [what, n] of outcome.counts) counts.set(what, (counts.get(what) ?? 0) + n);
  }
  t.log(Object.fromEntries(counts));
  for (const end of ['answered', 'late', 'unheard', 'kill', 'stand still', 'retire', 'connections lost'])
    t.true((counts.get(end) ?? 0) > 0, end);
});
