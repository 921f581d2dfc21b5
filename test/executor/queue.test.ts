import test from 'ava';
import * as contract from '#services/executor/contract.ts';
import { executorEntity } from '#services/executor/executor.ts';
import type { EntryState, QueueState } from '#services/executor/state.ts';
import { place } from '#services/order/contract.ts';
import { open } from '#services/stock/contract.ts';
import { topUp } from '#services/wallet/contract.ts';
import type { OrderState } from '#services/order/order.ts';
import { jsonIn } from '#shared/bus/json-in.ts';
import { EVENTS } from '#shared/bus/topology/topology.ts';
import { queuedBehind } from '#test/support/order-queue.ts';
import { runEntity } from '#test/support/run-entity.ts';
import { createRoad } from '#test/town/road.ts';
import { details } from '#test/services/saga/cases.ts';

/** A town in which one order could be paid and delivered. */
async function town() {
  const road = await createRoad();
  const { customerId, total, items } = details;
  road.put(topUp, { customerId, topUpId: 'top-up-1', amount: { ...total, amount: 1_000_000 } }, 'top-up-1');
  for (const { sku } of items) road.put(open, { sku, quantity: 1000 }, `open:${sku}`);
  await road.clock.advance(1000);
  const heard: unknown[] = [];
  const listening = road.broker
    .connect('listener')
    .subscribe(EVENTS, [contract.lateWorkRefused.name], ({ content }) => {
      heard.push(jsonIn(content));
    });
  await road.clock.during(listening);
  let placings = 0;
  road.broker.inject({
    copies(_queue, { type }) {
      if (type === place.name) placings += 1;
      return 1;
    },
  });
  const orderOf = (n: number) => ({ ...details, orderId: `order-${n}` });
  const self = {
    /** News of late work, as they came. */
    heard,
    /** How often anybody asked for an order to be placed. */
    placings: () => placings,
    put: road.put,
    clock: road.clock,
    homes: road.homes,
    queue: () => road.state<QueueState>('executor', contract.QUEUE),
    entry: (n: number) => road.state<EntryState>('executor', contract.entryKey(`order-${n}`)),
    order: (n: number) => road.state<OrderState>('order', `order-${n}`),
    /** Whose places were given, in their order. */
    places: () => queuedBehind(road.homes.get('executor')!.store, 0).map(({ orderId }) => orderId),
    async enqueue(n: number, id = `enqueue-${n}`) {
      road.put(contract.enqueue, { orderId: `order-${n}`, order: orderOf(n) }, id);
      await road.clock.until(() => self.places().includes(`order-${n}`) || self.entry(n)?.withdrawn === true);
    },
    async execute(term: number, executor: string, ...entries: readonly number[]) {
      const named = entries.map((entry) => ({ entry, orderId: `order-${entry}` }));
      road.put(contract.execute, { term, executor, entries: named }, road.clock.id());
      await road.clock.advance(500);
    },
  };
  return self;
}

test('orders get their places as they come, each once, and wait there', async (t) => {
  const { enqueue, places, queue, entry, order, clock } = await town();
  for (const n of [1, 2, 3]) await enqueue(n);
  const before = entry(2);
  await clock.advance(1000);
  await enqueue(2, 'again');
  await clock.advance(10_000);
  t.deepEqual(entry(2), before, 'it stands where it stood, since when it did');
  t.deepEqual(places(), ['order-1', 'order-2', 'order-3']);
  t.is(queue()?.queued, 3);
  t.is(order(1), undefined);
});

test('what is executed runs as any other order, once, however often it is executed, also by who does not know how far it was', async (t) => {
  const { enqueue, execute, order, queue, entry, clock, homes } = await town();
  for (const n of [1, 2]) await enqueue(n);
  await execute(1, 'executor-2', 1);
  await execute(1, 'executor-2', 1);
  await execute(2, 'executor-3', 1, 2);
  await clock.until(() => order(1)?.status === 'completed' && order(2)?.status === 'completed', 60_000);
  t.like(entry(1)?.started, { entry: 1, executor: 'executor-2', term: 1 });
  t.like(queue()?.fence, { executed: 2, term: 2, executor: 'executor-3' });
  const executed = [...homes.get('executor')!.store.journal.values()].filter(({ kind }) => kind === 'executed');
  t.like(executed, [
    { entry: 1, orderId: 'order-1', executor: 'executor-2', term: 1 },
    { entry: 2, orderId: 'order-2', executor: 'executor-3', term: 2 },
  ]);
  t.is(executed.length, 2);
});

test('an executed order goes on in the trace of the checkout that it came from', async (t) => {
  const { put, execute, places, clock, homes } = await town();
  const own = { traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01` };
  put(contract.enqueue, { orderId: 'order-1', order: { ...details, orderId: 'order-1' } }, 'enqueue-1', own);
  await clock.until(() => places().includes('order-1'));
  await execute(1, 'executor-1', 1);
  await clock.until(() => homes.get('order')!.store.documents.has('order-1'));
  t.deepEqual(homes.get('order')!.store.documents.get('order-1')?.traceparent, own.traceparent);
});

test('once a newer term was seen, what an older one sends is refused and counted, also before the newer one executed anything', async (t) => {
  const { enqueue, execute, order, queue } = await town();
  await enqueue(1);
  await execute(3, 'executor-1');
  await execute(2, 'executor-2', 1);
  await execute(3, 'executor-3', 1);
  t.is(order(1), undefined);
  t.like(queue(), { refused: 2, fence: { term: 3, executor: 'executor-1', executed: 0 } });
});

test('what was refused is told: who came too late, of which term, and what the newest is', async (t) => {
  const { enqueue, execute, heard } = await town();
  await enqueue(1);
  await execute(3, 'executor-1');
  await execute(2, 'executor-2', 1);
  await execute(3, 'executor-3', 1);
  await execute(3, 'executor-1', 1);
  t.deepEqual(heard, [
    { executor: 'executor-2', term: 2, newest: 3, reason: 'stale_term' },
    { executor: 'executor-3', term: 3, newest: 3, reason: 'not_the_leader' },
  ]);
});

test('an entry whose turn is told again, under another id and by another leader, has begun as it first did and is not placed again', async (t) => {
  const { enqueue, execute, put, clock, entry, order, placings } = await town();
  await enqueue(1);
  await execute(1, 'executor-2', 1);
  await clock.until(() => order(1)?.status === 'completed', 60_000);
  const begun = entry(1)?.started;
  put(contract.start, { orderId: 'order-1', entry: 1, executor: 'executor-3', term: 2 }, 'start-again');
  await clock.advance(5000);
  t.like(begun, { entry: 1, executor: 'executor-2', term: 1 });
  t.deepEqual(entry(1)?.started, begun);
  t.is(placings(), 1);
});

test('nobody is executed before who stands in front, or without standing in the queue', async (t) => {
  const { enqueue, execute, queue, order } = await town();
  for (const n of [1, 2]) await enqueue(n);
  await execute(1, 'executor-1', 2);
  await execute(1, 'executor-1', 1, 2, 3);
  t.is(queue()?.fence.executed, 0);
  t.deepEqual([order(1), order(2)], [undefined, undefined]);
});

test('who is withdrawn is passed over; withdrawn before it came, it does not come any more', async (t) => {
  const { enqueue, execute, put, clock, queue, order, entry, places } = await town();
  for (const n of [1, 2]) await enqueue(n);
  for (const n of [1, 3]) put(contract.withdraw, { orderId: `order-${n}`, of: `enqueue-${n}` }, `withdraw-${n}`);
  await clock.advance(200);
  await execute(1, 'executor-1', 1, 2);
  await enqueue(3);
  await clock.advance(5000);
  t.is(queue()?.fence.executed, 2);
  t.is(order(1), undefined);
  t.not(order(2), undefined);
  t.is(entry(3)?.withdrawn, true);
  t.deepEqual(places(), ['order-1', 'order-2']);
});

test('who withdraws is told whether the order has begun', async (t) => {
  const { route, handlers } = executorEntity();
  const order = { ...details, orderId: 'order-1' };
  const started = { entry: 1, executor: 'executor-1', term: 1, at: 1 };
  for (const [executed, entry] of [
    [true, { kind: 'entry', orderId: 'order-1', order, started }],
    [false, { kind: 'entry', orderId: 'order-1', order }],
  ] as const) {
    const begun = handlers.map((one): typeof one => ({
      ...one,
      handle: (state = entry, body, context) => one.handle(state, body, context),
    }));
    const { tell } = runEntity({ route, handlers: begun });
    const { body } = await tell(contract.withdraw, { orderId: 'order-1', of: 'enqueue-1' });
    t.deepEqual(body, { orderId: 'order-1', executed });
  }
});
