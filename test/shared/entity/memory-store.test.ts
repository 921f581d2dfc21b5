import test from 'ava';
import { describeStore } from './store-conformance.ts';
import { createMemoryStore } from '#shared/entity/memory-store.ts';

describeStore(test, async () => {
  const store = createMemoryStore<{ readonly n: number }>();
  return {
    name: 'memory',
    store,
    journaled: async (id) => store.journal.get(id),
    stop: async () => {},
  };
});
