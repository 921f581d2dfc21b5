import test from 'ava';
import { describeStore, TOO_LARGE } from '#test/shared/entity/store-conformance.ts';
import { emptyDocument } from '#shared/entity/document.ts';
import { createMemoryStore } from '#shared/entity/stores/memory-store.ts';

describeStore(test, async () => {
  const store = createMemoryStore<{ readonly n: number }>({ maxDocumentBytes: TOO_LARGE });
  return {
    name: 'memory',
    store,
    journaled: async (id) => store.journal.get(id),
    stop: async () => {},
  };
});

test('what is remembered outside a document is forgotten when its time is over', async (t) => {
  let now = 1000;
  const store = createMemoryStore<object>({ now: () => now });
  await store.remember([
    { key: 'a', handled: { id: 'm1', until: 2000 } },
    { key: 'a', handled: { id: 'm2' } },
    { key: 'b', handled: { id: 'm1', until: 1500 } },
  ]);
  t.is((await store.recall('a', ['m1', 'm2'])).size, 2);
  now = 2000;
  t.deepEqual([...(await store.recall('a', ['m1', 'm2'])).keys()], ['m2']);
  t.is((await store.recall('b', ['m1'])).size, 0);
  t.deepEqual([...store.remembered.keys()], ['a']);
});

test('a document of which nothing is of use leaves when its time is over', async (t) => {
  let now = 1000;
  const store = createMemoryStore<object>({ now: () => now });
  const document = { ...emptyDocument<object>('a'), version: 2, expiresAt: 2000 };
  await store.commit([{ over: 0, document: { ...document, version: 1 } }]);
  await store.commit([{ over: 1, document }]);
  t.is((await store.load(['a'])).size, 1);
  now = 2000;
  t.is((await store.load(['a'])).size, 0);
  t.is(store.documents.size, 0);
});
