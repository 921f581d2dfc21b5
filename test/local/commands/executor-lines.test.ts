import test from 'ava';
import { executorLines } from '#local/commands/executor-lines.ts';

test('each executor has a line, and one that is not heard is silent whatever it was', (t) => {
  const one = { role: 'leader', term: 12, lastIndex: 9, commitIndex: 9, executed: 7 } as const;
  t.deepEqual(
    executorLines([
      { ...one, id: 'executor-1', votedFor: 'executor-1', alive: true },
      { ...one, id: 'executor-2', alive: false },
    ]),
    [
      'executor    role    term  voted for   log  counts  executed',
      'executor-1  leader  12    executor-1  9    9       7',
      'executor-2  silent  12    -           9    9       7',
    ],
  );
});
