import test from 'ava';
import { selfTimes } from '#bench/profile.ts';

test('self time is what a function used itself, waiting left out', (t) => {
  const frame = (functionName: string, url = '', lineNumber = 0) => ({ functionName, url, lineNumber });
  const times = selfTimes({
    nodes: [
      { id: 1, callFrame: frame('(idle)') },
      { id: 2, callFrame: frame('encode', `file://${process.cwd()}/shared/bus/envelope.ts`, 8) },
      { id: 3, callFrame: frame('', 'node:events', 1) },
      { id: 4, callFrame: frame('encode', `file://${process.cwd()}/shared/bus/envelope.ts`, 8) },
    ],
    samples: [1, 2, 3, 4, 1],
    timeDeltas: [500, 2000, 1000, 1000, 500],
  });
  t.deepEqual(times, [
    { where: 'encode shared/bus/envelope.ts:9', ms: 3, share: 0.75 },
    { where: '(anonymous) node:events:2', ms: 1, share: 0.25 },
  ]);
});
