/** The order queue and its executors at the door: pages, the filter by state, who is dead, each copy's log. */
import test from 'ava';
import { z } from 'zod';
import { enqueue, execute, executorIds, QUEUE } from '#services/executor/contract.ts';
import { executorLogShape, executorShape, type QueuedOrderView } from '#services/executor/shapes.ts';
import { claimed, enrolled } from '#services/executor/stored.ts';
import { executorView } from '#services/executor/view.ts';
import { encode } from '#shared/bus/envelope.ts';
import { hash } from '#shared/bus/topology/topology.ts';
import { createDoor } from '#test/town/door.ts';
import { startTown } from '#test/town/town.ts';
import { details } from '#test/services/saga/cases.ts';
import { mongoWorld } from '#test/support/mongo-world.ts';

interface QueuePage {
  readonly items: readonly QueuedOrderView[];
  readonly nextCursor?: string;
}

/** A town with so many orders in its queue, the first of which are executed. */
async function town(queued: number, executed: number) {
  const { clock, broker, homes } = await startTown();
  const door = createDoor({ clock, broker, homes });
  for (let n = 1; n <= queued; n += 1) {
    const body = { orderId: `order-${n}`, order: { ...details, orderId: `order-${n}` } };
    const message = { id: `enqueue-${n}`, type: enqueue.name, key: enqueue.key(body), body, correlationId: `${n}` };
    broker.put(hash(enqueue.route), encode(message));
    await clock.advance(100);
  }
  const enqueuedBy = clock.now();
  for (let entry = 1; entry <= executed; entry += 1) {
    const entries = [{ entry, orderId: `order-${entry}` }];
    const body = { term: entry < 3 ? 1 : 4, executor: entry < 3 ? 'executor-2' : 'executor-1', entries };
    const message = { id: `execute-${entry}`, type: execute.name, key: QUEUE, body, correlationId: `${entry}` };
    broker.put(hash(execute.route), encode(message));
    await clock.advance(100);
  }
  const page = (query: Readonly<Record<string, string>>) =>
    door.answered<QueuePage & { readonly detail: string }>(
      'GET',
      `/v1/order-queue?${new URLSearchParams(query).toString()}`,
    );
  /** Page by page until there is none. */
  async function pages(query: Readonly<Record<string, string>>): Promise<readonly (readonly QueuedOrderView[])[]> {
    const found: (readonly QueuedOrderView[])[] = [];
    for (let cursor: string | undefined = ''; cursor !== undefined;) {
      const { body } = await page({ ...query, ...(cursor !== '' && { cursor }) });
      found.push(body.items);
      cursor = body.nextCursor;
    }
    return found;
  }
  return { page, pages, enqueuedBy };
}

const places = (items: readonly QueuedOrderView[]): readonly number[] => items.map(({ entry }) => entry);

test('the queue is listed in its order, page by page, all of it, only what waits, or only what was executed', async (t) => {
  const { pages } = await town(7, 4);
  for (const limit of [1, 2, 3, 6, 7, 8, 100]) {
    const cut = (from: number, to: number): readonly (readonly number[])[] =>
      Array.from({ length: Math.ceil((to - from + 1) / limit) }, (_, n) =>
        Array.from({ length: Math.min(limit, to - from + 1 - n * limit) }, (__, m) => from + n * limit + m),
      );
    const listed = async (query: object) => (await pages({ ...query, limit: String(limit) })).map(places);
    t.deepEqual(await listed({}), cut(1, 7), `all by ${limit}`);
    t.deepEqual(await listed({ state: 'queued' }), cut(5, 7), `queued by ${limit}`);
    t.deepEqual(await listed({ state: 'executed' }), cut(1, 4), `executed by ${limit}`);
  }
});

test('an entry says whose order it is and since when; an executed one also by whom, in which term and when', async (t) => {
  const { page, enqueuedBy } = await town(4, 3);
  const { items, nextCursor } = (await page({})).body;
  t.is(nextCursor, undefined);
  t.deepEqual(
    items.map(({ enqueuedAt: _, executedAt: __, ...one }) => one),
    [
      { entry: 1, orderId: 'order-1', state: 'executed', executedBy: 'executor-2', term: 1 },
      { entry: 2, orderId: 'order-2', state: 'executed', executedBy: 'executor-2', term: 1 },
      { entry: 3, orderId: 'order-3', state: 'executed', executedBy: 'executor-1', term: 4 },
      { entry: 4, orderId: 'order-4', state: 'queued' },
    ],
  );
  const since = items.map(({ enqueuedAt }) => Date.parse(enqueuedAt));
  t.deepEqual(since, since.toSorted());
  t.true(since.every((at) => at < enqueuedBy));
  t.true(items.slice(0, 3).every(({ executedAt = '' }) => Date.parse(executedAt) >= enqueuedBy));
});

test('an empty queue is an empty list; a cursor of another list and a state that there is not are refused', async (t) => {
  const empty = await town(0, 0);
  t.deepEqual(await empty.pages({}), [[]]);
  t.deepEqual(await empty.pages({ state: 'executed' }), [[]]);
  const { page } = await town(3, 1);
  const { nextCursor = '' } = (await page({ limit: '1' })).body;
  t.not(nextCursor, '');
  for (const query of [
    { cursor: nextCursor, state: 'queued' },
    { cursor: '2' },
    { state: 'gone' },
    { limit: '0' },
    { limit: '101' },
  ])
    t.is((await page(query)).status, 400, JSON.stringify(query));
});

test('executors are shown each in its shape: one that leads, one that has died, one that never ran; and the log of each', async (t) => {
  const { db } = await mongoWorld(t);
  let now = Date.UTC(2026, 0, 1);
  const clock = { now: () => now };
  await enrolled(db, executorIds(3));
  const entries = [
    { index: 5, term: 3 },
    { index: 6, term: 3, item: { seq: 5, orderId: 'order-5' } },
  ];
  const durable = { term: 3, votedFor: 'executor-1', log: { snapshot: { index: 4, term: 2, seq: 4 }, entries } };
  const told = { term: 3, votedFor: 'executor-1', leader: 'executor-1', lastIndex: 6, commitIndex: 5, executed: 4 };
  for (const [id, role] of [
    ['executor-2', 'follower'],
    ['executor-1', 'leader'],
  ] as const) {
    const store = (await claimed(db, clock, id, { owner: id, token: id }))!;
    await store.load();
    await store.save(durable);
    await store.tell({ ...told, role, since: now, lastHeartbeatAt: now });
    now += 10_000;
  }
  const views = executorView(db);
  const shown = await views.executors(now - 9000);
  t.deepEqual(z.array(executorShape).parse(shown), shown);
  const head = { term: 3, votedFor: 'executor-1', leader: 'executor-1', lastIndex: 6, commitIndex: 5, executed: 4 };
  const at = (ms: number) => new Date(Date.UTC(2026, 0, 1) + ms).toISOString();
  t.deepEqual(shown, [
    { id: 'executor-1', role: 'leader', since: at(10_000), lastHeartbeatAt: at(10_000), ...head, alive: true },
    { id: 'executor-2', role: 'follower', since: at(0), lastHeartbeatAt: at(0), ...head, alive: false },
    { id: 'executor-3', role: 'follower', term: 0, lastIndex: 0, commitIndex: 0, executed: 0, alive: false },
  ]);
  const log = await views.log('executor-2');
  t.deepEqual(executorLogShape.parse(log), log);
  t.deepEqual(log, {
    items: [
      { index: 5, term: 3 },
      { index: 6, term: 3, entry: 5, orderId: 'order-5' },
    ],
    snapshot: { index: 4, term: 2, entry: 4 },
  });
  t.deepEqual(await views.log('executor-3'), { items: [], snapshot: { index: 0, term: 0, entry: 0 } });
  t.is(await views.log('executor-4'), undefined);
});
