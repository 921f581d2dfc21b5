/** Each checker finds nothing in a sound history, and finds each way of spoiling it. */
import test from 'ava';
import { historyCheckers, type History } from './history.ts';
import type { HistoryLine } from '#shared/host/history-file.ts';

const line = (worker: string, over: number, startedAt: number, change: Partial<HistoryLine> = {}): HistoryLine => ({
  worker,
  service: 'payment',
  key: 'p',
  over,
  version: over + 1,
  messages: [{ id: `m${over + 1}`, type: 'payment.create' }],
  startedAt,
  committedAt: startedAt + 10,
  outcome: 'committed',
  ...change,
});

/** Two messages on one worker, two on another, and a write of a third that came too late. */
const sound: History = {
  lines: [
    line('payment-1', 0, 100),
    // Begun while the same worker was still writing.
    line('payment-1', 1, 105),
    line('payment-2', 2, 120),
    line('payment-3', 2, 118, { outcome: 'lost' }),
    line('payment-2', 3, 140),
    line('payment-1', 0, 100, { key: 'other' }),
    line('wallet-1', 0, 100, { service: 'wallet' }),
  ],
  killed: [],
  frozen: [],
  published: new Map([['payment p', ['m1', 'm2', 'm3', 'm4']]]),
};

const found = (history: Partial<History>): readonly string[] =>
  Object.entries(historyCheckers).flatMap(([name, check]) =>
    check({ ...sound, ...history }).length > 0 ? [name] : [],
  );

const replaced = (index: number, ...by: HistoryLine[]): Partial<History> => ({
  lines: sound.lines.toSpliced(index, 1, ...by),
});

test('a sound history has nothing wrong with it', (t) => {
  t.deepEqual(found({}), []);
});

test('two committed writes over one version are found', (t) => {
  const stale = line('payment-2', 2, 131, { messages: [{ id: 'm9', type: 'payment.settle' }] });
  t.deepEqual(found({ lines: [...sound.lines, stale] }), ['one write over each version']);
});

test('a version that goes back, and one that was written over a version in between, are found', (t) => {
  t.deepEqual(found(replaced(4, line('payment-2', 3, 140, { version: 3 }))), ['versions follow']);
  const wide = line('payment-2', 2, 120, { version: 5 });
  t.deepEqual(found(replaced(2, wide)), ['versions follow']);
});

test('a missing version is found unless a worker of that service was killed then, or did not know what became of its write', (t) => {
  const gap = replaced(1);
  t.deepEqual(found(gap), ['versions follow']);
  t.deepEqual(found({ ...gap, killed: [{ worker: 'payment-1', at: 112 }] }), []);
  t.deepEqual(found({ ...gap, killed: [{ worker: 'payment-1', at: 9000 }] }), ['versions follow']);
  t.deepEqual(found({ ...gap, killed: [{ worker: 'wallet-1', at: 112 }] }), ['versions follow']);
  t.deepEqual(found(replaced(1, line('payment-1', 1, 105, { outcome: 'unknown' }))), []);
  t.deepEqual(found(replaced(0)), ['versions follow']);
});

test('a message that was applied twice is found; a wake may come again', (t) => {
  const again = line('payment-2', 4, 160, { messages: [{ id: 'm2', type: 'payment.create' }] });
  t.deepEqual(found({ lines: [...sound.lines, again], published: new Map() }), ['nothing twice']);
  const wake = [4, 5].map((over) =>
    line('payment-2', over, over * 100, { messages: [{ id: 'w', type: 'engine.wake' }] }),
  );
  t.deepEqual(found({ lines: [...sound.lines, ...wake] }), []);
});

test('two workers at work on a key at once are found, unless one was frozen with its write under way', (t) => {
  t.deepEqual(found(replaced(2, line('payment-2', 2, 112))), ['workers do not overlap']);
  const late = replaced(1, line('payment-1', 1, 105, { committedAt: 5000 }));
  t.deepEqual(found(late), ['workers do not overlap']);
  t.deepEqual(found({ ...late, frozen: [{ worker: 'payment-1', from: 110, to: 4000 }] }), []);
  t.deepEqual(found({ ...late, frozen: [{ worker: 'payment-1', from: 125, to: 4000 }] }), ['workers do not overlap']);
  t.deepEqual(found({ ...late, frozen: [{ worker: 'payment-2', from: 110, to: 4000 }] }), ['workers do not overlap']);
});

test('messages that were handled in another order than they were published are found', (t) => {
  t.deepEqual(found({ published: new Map([['payment p', ['m1', 'm3', 'm2', 'm4']]]) }), ['published order']);
  t.deepEqual(found({ published: new Map([['payment other', ['m1', 'm3', 'm2', 'm4']]]) }), []);
});
