import type { ExecutionContext, TestFn } from 'ava';
import { emptyDocument } from '#shared/entity/document.ts';
import type { Document, EntityStore, Write } from '#shared/entity/store.ts';

export interface Subject {
  readonly name: string;
  readonly store: EntityStore<{ readonly n: number; readonly note?: string }>;
  journaled(id: string): Promise<object | undefined>;
  stop(): Promise<void>;
}

type State = { readonly n: number; readonly note?: string };

const write = (key: string, over: number, n: number, more: Partial<Document<State>> = {}): Write<State> => ({
  over,
  document: { ...emptyDocument<State>(key), version: over + 1, state: { n }, ...more },
});

/** What every store must do; run against memory and MongoDB. */
export function describeStore(test: TestFn, open: () => Promise<Subject>): void {
  const check = (title: string, body: (t: ExecutionContext, subject: Subject) => Promise<void>): void => {
    test(title, async (t) => {
      const subject = await open();
      try {
        await body(t, subject);
      } finally {
        await subject.stop();
      }
    });
  };

  check('a committed document is loaded as it was written', async (t, { store }) => {
    const document: Document<State> = {
      key: 'a.$b/ü',
      version: 3,
      state: { n: 2 ** 40, note: 'x.y$' },
      handled: [{ id: 'm1', until: 5, answer: { type: 'x.done', body: { 'dotted.name': 1 } } }, { id: 'm2' }],
      stash: [
        {
          message: { id: 'm3', type: 'x.do', key: 'a', body: { $set: 1 }, correlationId: 'c' },
          attempts: 1,
          nextTryAt: 9,
        },
      ],
      unsent: [],
      journal: [{ id: 'j1', amount: 5 }],
      traceparent: '00-1-2-01',
      dueAt: 1234,
    };
    t.is((await store.commit([{ over: 0, document: { ...document, version: 1 } }])).size, 0);
    t.is((await store.commit([{ over: 1, document }])).size, 0);
    t.deepEqual((await store.load(['a.$b/ü', 'other'])).get('a.$b/ü'), document);
    t.is((await store.load(['other'])).size, 0);
  });

  check('only the write over the stored version wins, and the batch says who lost', async (t, { store }) => {
    await store.commit([write('a', 0, 1), write('b', 0, 1), write('c', 0, 1)]);
    await store.commit([write('b', 1, 2)]);
    const lost = await store.commit([
      write('a', 1, 2),
      write('b', 1, 99),
      write('c', 0, 99),
      write('d', 0, 1),
      write('e', 0, 5),
    ]);
    t.deepEqual([...lost].toSorted(), ['b', 'c']);
    const after = await store.load(['a', 'b', 'c', 'd', 'e']);
    t.deepEqual(
      [...after].toSorted().map(([key, document]) => [key, document.version, document.state?.n]),
      [
        ['a', 2, 2],
        ['b', 2, 2],
        ['c', 1, 1],
        ['d', 1, 1],
        ['e', 1, 5],
      ],
    );
  });

  check('of many who write over the same version exactly one wins', async (t, { store }) => {
    await store.commit([write('a', 0, 0)]);
    const results = await Promise.all(Array.from({ length: 20 }, (_, n) => store.commit([write('a', 1, n)])));
    t.is(results.filter((lost) => lost.size === 0).length, 1);
    t.is((await store.load(['a'])).get('a')?.version, 2);
  });

  check('the journal keeps the first record of an id', async (t, { store, journaled }) => {
    await store.append([
      { id: 'j1', amount: 1 },
      { id: 'j2', amount: 2 },
    ]);
    await store.append([
      { id: 'j2', amount: 99 },
      { id: 'j3', amount: 3 },
    ]);
    t.like(await journaled('j1'), { amount: 1 });
    t.like(await journaled('j2'), { amount: 2 });
    t.like(await journaled('j3'), { amount: 3 });
    t.is(await journaled('j4'), undefined);
  });

  check('what is due comes earliest first, and only while it is due', async (t, { store }) => {
    await store.commit([
      write('a', 0, 1, { dueAt: 300 }),
      write('b', 0, 1, { dueAt: 100 }),
      write('c', 0, 1),
      write('d', 0, 1, { dueAt: 200 }),
    ]);
    t.deepEqual(await store.due(250, 10), [
      { key: 'b', dueAt: 100 },
      { key: 'd', dueAt: 200 },
    ]);
    t.deepEqual(await store.due(1000, 1), [{ key: 'b', dueAt: 100 }]);
    await store.commit([write('b', 1, 2)]);
    t.deepEqual(await store.due(250, 10), [{ key: 'd', dueAt: 200 }]);
  });
}
