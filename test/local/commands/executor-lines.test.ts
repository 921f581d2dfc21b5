import test from 'ava';
import { executorLines } from '#local/commands/executor-lines.ts';

const one = { role: 'follower', term: 12, lastIndex: 9, commitIndex: 9, executed: 7, alive: true } as const;
const since = '2026-11-28T12:40:17.020Z';

test('who leads is said in a sentence; each executor has a line, and one that is not heard is silent whatever it was', (t) => {
  t.deepEqual(
    executorLines([
      { ...one, id: 'executor-1', role: 'leader', since, votedFor: 'executor-1', leader: 'executor-1' },
      { ...one, id: 'executor-2', since, leader: 'executor-1' },
      { ...one, id: 'executor-3', role: 'leader', since, alive: false },
    ]),
    [
      'executor-1 leads in term 12 since 2026-11-28 12:40:17Z; 2 of 3 live, a majority is 2.',
      'executor    role      since                 term  voted for   follows     log  counts  executed',
      'executor-1  leader    2026-11-28 12:40:17Z  12    executor-1  -           9    9       7',
      'executor-2  follower  2026-11-28 12:40:17Z  12    -           executor-1  9    9       7',
      'executor-3  silent    -                     12    -           -           9    9       7',
    ],
  );
});

test('when nobody leads it is said whether anybody can, and what that means for orders', (t) => {
  const of = (...living: readonly boolean[]): string | undefined =>
    executorLines(living.map((alive, n) => ({ ...one, id: `executor-${n + 1}`, alive })))[0];
  t.is(
    of(true, false, false),
    'Nobody leads, and nobody can: 1 of 3 live, a majority is 2. Orders are taken and wait.',
  );
  t.is(
    of(true, true, false),
    'Nobody leads yet: 2 of 3 live, a majority is 2. Orders are taken and wait until one is elected.',
  );
});
