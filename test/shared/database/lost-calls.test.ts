/** A call that the database's driver loses is never answered. Whoever works in the background goes on all the same: here the first of each is lost. */
import test from 'ava';
import type { Connection } from 'mongoose';
import { aRequest } from '#test/services/gateway/requests-conformance.ts';
import { createFakeBus } from '#test/services/gateway/world.ts';
import { policy } from '#test/services/circuit-breaker/world.ts';
import { createVirtualClock } from '#test/support/virtual-clock.ts';
import { decide, initially } from '#services/circuit-breaker/breaker.ts';
import { createHistory } from '#services/circuit-breaker/history.ts';
import { startDraining } from '#services/dead-letters/draining.ts';
import { watchEndedOrders } from '#services/dead-letters/ended-orders.ts';
import type { Marked } from '#services/dead-letters/store.ts';
import { startReplaying } from '#services/dead-letters/replaying.ts';
import { createMemoryRequests } from '#services/gateway/memory-requests.ts';
import { startRequestSweep } from '#services/gateway/sweep.ts';
import type { ConsumeOptions, Delivery } from '#shared/bus/bus.ts';
import { silentLog as log } from '#shared/log.ts';
import { createMemoryTableStore } from '#shared/partition/memory-table-store.ts';
import { createTableKeeper } from '#shared/partition/table-keeper.ts';

const A_WHILE_MS = 120_000;

/** The same calls, the first of each of which does nothing and is never answered. */
function losing<Calls extends object>(calls: Calls): Calls {
  const lost = new Set<string | symbol>();
  return new Proxy(calls, {
    get(target, name) {
      const call: unknown = Reflect.get(target, name);
      if (typeof call !== 'function') return call;
      return (...asked: unknown[]): unknown => {
        if (lost.has(name)) return Reflect.apply(call, target, asked);
        lost.add(name);
        return new Promise(() => {});
      };
    },
  });
}

test('the sweep settles requests', async (t) => {
  const clock = createVirtualClock();
  const bus = createFakeBus();
  const requests = createMemoryRequests(() => clock.now());
  await requests.insert(aRequest('a', { nextTryAt: clock.now(), isAnswered: true }));
  const sweep = startRequestSweep({ bus, requests: losing(requests), clock, log, everyMs: 3000, publishMs: 5000 });
  await clock.advance(A_WHILE_MS);
  t.is((await requests.ofResource('r-a'))?.state, 'confirmed');
  await clock.during(sweep.stop());
});

test('who owns which partition is agreed on', async (t) => {
  const clock = createVirtualClock();
  const keeper = createTableKeeper({
    store: losing(createMemoryTableStore()),
    clock,
    log,
    route: 'tally',
    partitions: 4,
    candidates: () => ({ members: ['a'], rank: 0 }),
    onTable() {},
  });
  clock.after(0, function look() {
    keeper.look();
    clock.after(100, look);
  });
  await clock.advance(A_WHILE_MS);
  t.deepEqual(keeper.current()?.members, ['a']);
});

test('dead letters are kept, replayed, and noted when their order has ended', async (t) => {
  const clock = createVirtualClock();
  const did: string[] = [];
  const letter = {
    _id: 'a',
    route: 'wallet',
    packet: { content: Buffer.from('{}'), headers: '{}' },
    replay: { id: 'r', ratePerS: 1 },
  };
  let isMarked = true;
  const store = losing({
    record: async () => 'stored' as const,
    waiting: async () => [{ id: 'a', route: 'saga', orderId: 'o', messageId: 'm' }],
    orderEnded: async () => void did.push('noted'),
    next: async () => (isMarked ? (letter as unknown as Marked) : undefined),
    async replayed() {
      isMarked = false;
      did.push('replayed');
    },
    delayed: async () => {},
    givenUp: async () => {},
    takeTurn: async () => true,
    leaveTurn: async () => {},
  });
  let deliver: ConsumeOptions['onDelivery'] = () => {};
  const consumer = { queue: 'wallet.dead', active: true, ack: () => void did.push('kept'), close: async () => {} };
  const bus = {
    publish: async () => {},
    async consume(_queue: string, { onDelivery }: ConsumeOptions) {
      deliver = onDelivery;
      return consumer;
    },
  };
  const parts = { bus, store, routes: ['wallet'], clock, log };
  const { ended } = losing({ ended: async () => new Map([['o', 1000]]) });
  const running = [
    startDraining(parts),
    startReplaying({ ...parts, holder: 'a' }),
    watchEndedOrders({ ...parts, ended }),
  ];
  const packet = { content: Buffer.from('{}'), headers: {} };
  deliver({ packet, queue: 'wallet.dead', redelivered: false, tag: 1, channel: 1 } satisfies Delivery, consumer);
  await clock.advance(A_WHILE_MS);
  t.deepEqual([...new Set(did)].toSorted(), ['kept', 'noted', 'replayed']);
  await clock.during(Promise.all(running.map((one) => one.stop())));
});

test('transitions of a breaker reach its history', async (t) => {
  const clock = createVirtualClock();
  const written: unknown[] = [];
  const collection = losing({
    createIndex: async () => 'index',
    insertOne: async (one: unknown) => void written.push(one),
  });
  const history = createHistory({ collection: () => collection } as unknown as Connection, clock, log);
  history.record('payment', decide(policy, initially, { kind: 'expired' }), 5000);
  await clock.advance(A_WHILE_MS);
  t.is(written.length, 1);
  history.stop();
});
