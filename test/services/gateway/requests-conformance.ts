import type { ExecutionContext, TestFn } from 'ava';
import type { RequestStore, StoredRequest } from '#services/gateway/requests.ts';

export interface StoreUnderTest {
  readonly store: RequestStore;
  /** Moves the store's idea of now. */
  readonly passMs: (ms: number) => void;
  readonly now: () => number;
  stop(): Promise<void>;
}

/** What both stores of requests must do. */
export function describeRequests(test: TestFn, name: string, open: () => Promise<StoreUnderTest>): void {
  const check = (title: string, run: (t: ExecutionContext, under: StoreUnderTest) => Promise<void>): void => {
    test(`${name}: ${title}`, async (t) => {
      const under = await open();
      t.teardown(under.stop);
      await run(t, under);
    });
  };

  check(
    'a stored request comes back as it was, and the second of its id is told about the first',
    async (t, { store }) => {
      const request = aRequest('a', { resourceId: 'r1' });
      t.is(await store.insert(request), undefined);
      t.deepEqual(await store.find('a'), request);
      t.deepEqual(await store.insert(aRequest('a', { resourceId: 'r2' })), request);
      t.is(await store.find('other'), undefined);
    },
  );

  check('of many inserts of one id at once, one is stored', async (t, { store }) => {
    const results = await Promise.all(
      Array.from({ length: 20 }, (_, n) => store.insert(aRequest('a', { resourceId: `r${n}` }))),
    );
    t.is(results.filter((existing) => existing === undefined).length, 1);
  });

  check('only a confirmed request is found by what it created', async (t, { store, now }) => {
    await store.insert(aRequest('a', { resourceId: 'r1' }));
    t.is(await store.ofResource('r1'), undefined);
    await store.giveUp('a', now());
    t.is(await store.ofResource('r1'), undefined);
    await store.confirm('a', { expiresAt: now() + 1000, answer });
    t.like(await store.ofResource('r1'), { id: 'a', state: 'confirmed', answer });
    t.is((await store.find('a'))?.nextTryAt, undefined);
  });

  check(
    'a confirmed request is not given up, taken over, withdrawn, or confirmed for longer',
    async (t, { store, now }) => {
      await store.insert(aRequest('a', { nextTryAt: now() - 1 }));
      await store.confirm('a', { expiresAt: now() + 1000 });
      const confirmed = await store.find('a');
      await store.giveUp('a', now());
      await store.confirm('a', { expiresAt: now() + 9000 });
      t.is(await store.takeOver('a', now() + 5), undefined);
      t.is(await store.takeDue(now() + 99_999, now()), undefined);
      t.false(await store.withdraw('a'));
      t.deepEqual(await store.find('a'), confirmed);
    },
  );

  check('the first answer stays', async (t, { store, now }) => {
    await store.insert(aRequest('a'));
    await store.confirm('a', { expiresAt: now() + 1000 });
    await store.settle('a', answer);
    await store.settle('a', { status: 418, body: {} });
    t.deepEqual((await store.find('a'))?.answer, answer);
  });

  check(
    'a withdrawn request is gone; one that was taken over or given up can not be withdrawn',
    async (t, { store, now }) => {
      await store.insert(aRequest('a'));
      t.true(await store.withdraw('a'));
      t.is(await store.find('a'), undefined);
      t.false(await store.withdraw('a'));
      await store.insert(aRequest('b'));
      t.like(await store.takeOver('b', now() + 5000), {
        takenOver: 1,
        busyUntil: now() + 5000,
        nextTryAt: now() + 5000,
      });
      t.false(await store.withdraw('b'));
      await store.insert(aRequest('c'));
      await store.giveUp('c', now() + 7);
      t.like(await store.find('c'), { state: 'unknown', busyUntil: 0, nextTryAt: now() + 7 });
      t.false(await store.withdraw('c'));
    },
  );

  check('what is due is taken earliest first, each by one', async (t, { store, now }) => {
    for (const [id, inMs] of [
      ['late', -1],
      ['early', -5],
      ['not', 5],
    ] as const)
      await store.insert(aRequest(id, { nextTryAt: now() + inMs }));
    const first = await store.takeDue(now(), now() + 1000);
    t.like(first, { id: 'early', takenOver: 1, nextTryAt: now() + 1000 });
    const [one, other] = await Promise.all([store.takeDue(now(), now() + 1000), store.takeDue(now(), now() + 1000)]);
    t.is((one ?? other)?.id, 'late');
    t.true(one === undefined || other === undefined);
    t.is(await store.takeDue(now(), now() + 1000), undefined);
  });

  check('an expired request makes room for another of its id', async (t, { store, now, passMs }) => {
    await store.insert(aRequest('a', { resourceId: 'r1' }));
    await store.confirm('a', { expiresAt: now() + 1000 });
    passMs(1001);
    t.is(await store.find('a'), undefined);
    t.is(await store.ofResource('r1'), undefined);
    t.is(await store.insert(aRequest('a', { resourceId: 'r2' })), undefined);
    t.is((await store.find('a'))?.resourceId, 'r2');
  });

  check('a forgotten request is gone, and forgetting twice is harmless', async (t, { store }) => {
    await store.insert(aRequest('a'));
    await store.forget('a');
    await store.forget('a');
    t.is(await store.find('a'), undefined);
  });
}

const answer = {
  status: 202,
  headers: { Location: '/x' },
  body: { id: 'x', nested: [{ amount: 1 }], 'dotted.$name': true },
};

export function aRequest(id: string, changes: Partial<StoredRequest> = {}): StoredRequest {
  return {
    id,
    kind: 'order',
    fingerprint: 'f',
    resourceId: `r-${id}`,
    customerId: 'alice',
    exchange: 'order.in',
    message: { id: `${id}:place`, type: 'order.place', key: id, body: { n: 1 }, correlationId: id },
    accepted: answer,
    state: 'stored',
    takenOver: 0,
    busyUntil: Number.MAX_SAFE_INTEGER,
    nextTryAt: Number.MAX_SAFE_INTEGER,
    createdAt: 1,
    ...changes,
  };
}
