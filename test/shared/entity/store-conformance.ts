import type { ExecutionContext, TestFn } from 'ava';
import { emptyDocument } from '#shared/entity/document.ts';
import { JournalConflict, type Document, type EntityStore, type Write } from '#shared/entity/store.ts';

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
      partition: 'things.003',
      spilledUntil: Infinity,
      expiresAt: Date.UTC(2100, 1),
    };
    const nothing = { lost: new Set(), refused: new Map() };
    t.deepEqual(await store.commit([{ over: 0, document: { ...document, version: 1 } }]), nothing);
    t.deepEqual(await store.commit([{ over: 1, document }]), nothing);
    t.deepEqual((await store.load(['a.$b/ü', 'other'])).get('a.$b/ü'), document);
    t.is((await store.load(['other'])).size, 0);
  });

  check('only the write over the stored version wins, and the batch says who lost', async (t, { store }) => {
    await store.commit([write('a', 0, 1), write('b', 0, 1), write('c', 0, 1)]);
    await store.commit([write('b', 1, 2)]);
    const { lost } = await store.commit([
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
    t.is(results.filter(({ lost }) => lost.size === 0).length, 1);
    t.is((await store.load(['a'])).get('a')?.version, 2);
  });

  check('a record that is in the journal already is appended again without effect', async (t, { store, journaled }) => {
    await store.append([
      { id: 'j1', amount: 1 },
      { id: 'j2', amount: 2 },
    ]);
    await store.append([
      { id: 'j2', amount: 2 },
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

  check(
    'a record that differs from the one with its id is named and changes nothing; the others are written',
    async (t, { store, journaled }) => {
      await store.append([{ id: 'j1', amount: 1, currency: 'EUR', parts: { a: 1, b: [1, { c: 2 }] } }]);
      await store.append([
        { parts: { b: [1, { c: 2 }], a: 1 }, note: undefined, currency: 'EUR', amount: 1, id: 'j1' },
      ]);
      const others = [
        { id: 'j0', amount: 7 },
        { id: 'j1', amount: 2, currency: 'EUR', parts: { a: 1, b: [1, { c: 2 }] } },
        { id: 'j2', amount: 8 },
      ];
      const conflict = await t.throwsAsync(store.append(others), { instanceOf: JournalConflict });
      t.deepEqual(conflict?.ids, ['j1']);
      t.like(await journaled('j0'), { amount: 7 });
      t.like(await journaled('j1'), { amount: 1 });
      t.like(await journaled('j2'), { amount: 8 });
      for (const changed of [
        { amount: 1, parts: { a: 1, b: [{ c: 2 }, 1] } },
        { amount: '1' },
        { amount: 1, more: null },
      ])
        await t.throwsAsync(store.append([{ id: 'j1', currency: 'EUR', ...changed }]), { instanceOf: JournalConflict });
    },
  );

  check('a document that is too large is refused by itself, whether it is new or not', async (t, { store }) => {
    const note = 'x'.repeat(TOO_LARGE);
    await store.commit([write('a', 0, 1)]);
    await store.commit([write('d', 0, 1)]);
    await store.commit([write('d', 1, 2)]);
    const batch = [write('b', 0, 1), write('a', 1, 2, { state: { n: 2, note } }), write('c', 0, 3), write('d', 1, 6)];
    const { lost, refused } = await store.commit([...batch, write('e', 0, 1, { state: { n: 2, note } })]);
    t.deepEqual([...lost], ['d']);
    t.deepEqual([...refused.keys()].toSorted(), ['a', 'e']);
    t.regex(refused.get('a')!, /larg/);
    const after = await store.load(['a', 'b', 'c', 'd', 'e']);
    t.deepEqual(
      [...after].toSorted().map(([key, document]) => [key, document.version]),
      [
        ['a', 1],
        ['b', 1],
        ['c', 1],
        ['d', 2],
      ],
    );
  });

  check('a document that is gone is written again as a whole', async (t, { store }) => {
    t.deepEqual(await store.commit([write('a', 5, 6)]), { lost: new Set(), refused: new Map() });
    t.like((await store.load(['a'])).get('a'), { version: 6, state: { n: 6 } });
  });

  check(
    'an id that is remembered outside its document is recalled for its key, with its answer',
    async (t, { store }) => {
      const answer = { type: 'x.done', body: { total: 5, 'dotted.name': [1] } };
      const until = Date.now() + 3_600_000;
      await store.remember([
        { key: 'a', handled: { id: 'm1', until, answer } },
        { key: 'a', handled: { id: 'm2' } },
        { key: 'a:1', handled: { id: 'm3' } },
      ]);
      await store.remember([
        { key: 'a', handled: { id: 'm2', until } },
        { key: 'a', handled: { id: 'm4' } },
      ]);
      t.deepEqual(
        await store.recall('a', ['m1', 'm2', 'm5']),
        new Map([
          ['m1', { id: 'm1', until, answer }],
          ['m2', { id: 'm2', until }],
        ]),
      );
      t.is((await store.recall('a', ['1:m3', 'm3'])).size, 0);
      t.is((await store.recall('a:1', ['m3'])).size, 1);
      t.is((await store.recall('b', ['m1'])).size, 0);
      t.is((await store.recall('a', [])).size, 0);
    },
  );

  check('records of the journal are found by their ids, as they were written', async (t, { store }) => {
    const record = { id: 'r1', n: 1, inside: { list: [1, 2] } };
    await store.append([record, { id: 'r2', n: 2 }]);
    t.deepEqual(await store.records(['r1', 'r3']), new Map([['r1', record]]));
    t.is((await store.records([])).size, 0);
  });

  check('what is due of one partition leaves its share to the others', async (t, { store }) => {
    const of = (partition: string | undefined, count: number, from: number) =>
      Array.from({ length: count }, (_, i) =>
        write(`${partition}-${i}`, 0, 1, { dueAt: from + i, ...(partition !== undefined && { partition }) }),
      );
    await store.commit([...of('p0', 30, 100), ...of('p1', 3, 200), ...of('p2', 8, 300), ...of('p3', 1, 900)]);
    await store.commit(of(undefined, 2, 400));
    const due = await store.due(500, 16);
    const counts = Map.groupBy(due, ({ partition }) => partition);
    t.is(due.length, 16);
    t.deepEqual(
      due.map(({ dueAt }) => dueAt),
      due.map(({ dueAt }) => dueAt).toSorted((a, b) => a - b),
    );
    t.deepEqual(
      counts.get('p1')?.map(({ key }) => key),
      ['p1-0', 'p1-1', 'p1-2'],
    );
    t.deepEqual(
      counts.get(undefined)?.map(({ key }) => key),
      ['undefined-0', 'undefined-1'],
    );
    t.true([5, 6].includes(counts.get('p0')!.length) && [5, 6].includes(counts.get('p2')!.length), 'equal shares');
    t.deepEqual(
      counts
        .get('p0')!
        .map(({ key }) => key)
        .slice(0, 3),
      ['p0-0', 'p0-1', 'p0-2'],
    );
    t.is(counts.get('p3'), undefined);
    const all = await store.due(1000, 1000);
    t.is(all.length, 44);
    t.is((await store.due(99, 1000)).length, 0);
    const one = await store.due(200, 16);
    t.deepEqual([one.length, one.at(-1)?.key], [16, 'p1-0']);
  });
}

/** More than what the subjects take, bytes. */
export const TOO_LARGE = 16 * 1024 * 1024;
