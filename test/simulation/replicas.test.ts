import test from 'ava';
import { createReplicas } from './replicas.ts';
import { createVirtualClock } from '#test/support/virtual-clock.ts';
import { emptyDocument } from '#shared/entity/document.ts';
import type { Write } from '#shared/entity/store.ts';

const write = (key: string, over: number): Write<number> => ({
  over,
  document: { ...emptyDocument<number>(key), version: over + 1, state: over + 1 },
});
const LAG_MS = 5;

test('a write is seen by nobody, and ends for nobody, before a majority has it', async (t) => {
  const clock = createVirtualClock();
  const { store, majority } = createReplicas(clock, () => LAG_MS).collection<number>();
  let ended = false;
  const committing = store.commit([write('a', 0)]).then((outcome) => {
    ended = true;
    return outcome;
  });
  await clock.advance(LAG_MS - 1);
  t.deepEqual([ended, majority.documents.size, (await store.load(['a'])).size], [false, 0, 0]);
  await clock.advance(1);
  t.deepEqual([ended, majority.documents.size, (await store.load(['a'])).size], [true, 1, 1]);
  t.is((await committing).lost.size, 0);
});

test('what a primary wrote after it was cut off is rolled back, in documents, journal and remembered ids, and said to have failed', async (t) => {
  const clock = createVirtualClock();
  const replicas = createReplicas(clock, () => LAG_MS);
  const { store, majority } = replicas.collection<number>();
  await clock.during(store.commit([write('a', 0)]));
  await clock.during(store.append([{ id: 'j0' }]));
  replicas.cutOff('another primary', 1000);
  const writes = [
    store.commit([write('a', 1), write('b', 0)]),
    store.append([{ id: 'j1' }]),
    store.remember([{ key: 'a', handled: { id: 'm1' } }]),
    // Over what only the old primary has.
    store.commit([write('b', 1)]),
  ].map((writing) => t.throwsAsync(writing, { message: /another primary/ }));
  await clock.advance(999);
  t.is((await store.load(['a', 'b'])).get('a')?.version, 1);
  await clock.advance(1);
  await Promise.all(writes);
  await clock.during(store.commit([write('a', 1)]));
  t.deepEqual([...majority.documents.keys(), ...majority.journal.keys(), ...majority.remembered.keys()], ['a', 'j0']);
  t.is(majority.documents.get('a')?.version, 2);
  t.is((await clock.during(store.commit([write('b', 0)]))).lost.size, 0, 'the other primary knows nothing of b');
});

test('what was written while the others were away reaches them when they are back', async (t) => {
  const clock = createVirtualClock();
  const replicas = createReplicas(clock, () => LAG_MS);
  const { store, majority } = replicas.collection<number>();
  replicas.cutOff('the others are back', 1000);
  const writes = [store.commit([write('a', 0)]), store.commit([write('a', 1)]), store.commit([write('a', 0)])];
  await clock.advance(1000);
  t.is(majority.documents.size, 0);
  await clock.advance(LAG_MS);
  const lost = await Promise.all(writes.map(async (writing) => (await writing).lost.size));
  t.deepEqual(lost, [0, 0, 1]);
  t.is(majority.documents.get('a')?.version, 2);
});
