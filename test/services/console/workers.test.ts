import test from 'ava';
import { startLeader, startListening } from './breaker-world.ts';
import { startWorld } from '#test/services/gateway/world.ts';
import type { PartitionFacts } from '#services/circuit-breaker/contract.ts';
import { partitionShape, workerShape } from '#services/console/workers.ts';
import { listOf } from '#shared/web/shapes.ts';
import { createRoll, watchWorkers } from '#shared/partition/roll.ts';
import { routeTable } from '#services/services.ts';
import { createMemoryBroker } from '#shared/bus/memory/memory-bus.ts';
import { topologyOf, WORKERS } from '#shared/bus/topology/topology.ts';
import { systemClock } from '#shared/clock.ts';
import { silentLog } from '#shared/log.ts';
import { type Announcement, encodeAnnouncement } from '#shared/partition/announcement.ts';
import { assign } from '#shared/partition/assignment.ts';
import { until } from '#test/support/until.ts';

const DEAD_AFTER_MS = 5000;

const operator = { as: 'root', role: 'operator' } as const;

function anAnnouncement(worker: string, changes: Partial<Announcement> = {}): Announcement {
  return {
    kind: 'alive',
    worker,
    service: 'payment',
    route: 'payment',
    incarnation: 'first',
    since: Date.UTC(2026, 0, 2),
    draining: false,
    tableVersion: 1,
    registrations: {},
    rates: { handledPerS: 12.5 },
    partitions: {},
    ...changes,
  };
}

const names = (roll: ReturnType<typeof createRoll>): string[] =>
  roll.all().map(({ announcement }) => announcement.worker);

test('a worker is forgotten when it leaves, or when nothing was heard of it for as long as its colleagues wait', (t) => {
  let now = 0;
  const roll = createRoll({ now: () => now }, DEAD_AFTER_MS);
  for (const worker of ['payment-10', 'payment-2', 'payment-1']) roll.take(anAnnouncement(worker));
  t.deepEqual(names(roll), ['payment-1', 'payment-2', 'payment-10']);
  roll.take(anAnnouncement('payment-2', { kind: 'leave' }));
  now = DEAD_AFTER_MS - 1;
  roll.take(anAnnouncement('payment-1'));
  now = DEAD_AFTER_MS + 1;
  t.deepEqual(names(roll), ['payment-1']);
});

test('late words of a worker’s earlier run do not change what is known of the new one', (t) => {
  const roll = createRoll({ now: () => 0 }, DEAD_AFTER_MS);
  roll.take(anAnnouncement('payment-1', { incarnation: 'second', since: 2000 }));
  roll.take(anAnnouncement('payment-1', { incarnation: 'first', since: 1000, draining: true }));
  roll.take(anAnnouncement('payment-1', { incarnation: 'first', since: 1000, kind: 'leave' }));
  t.deepEqual(
    roll.all().map(({ announcement }) => [announcement.incarnation, announcement.draining]),
    [['second', false]],
  );
  roll.take(anAnnouncement('payment-1', { incarnation: 'third', since: 3000 }));
  t.is(roll.all()[0]?.announcement.incarnation, 'third');
});

test('workers are shown with the partitions that they agreed on', async (t) => {
  const world = await startWorld();
  t.teardown(world.stop);
  t.deepEqual((await world.call('GET', '/v1/workers', operator)).body, {
    items: [],
    missing: routeTable.routes.map((route) => ({ service: route, route })),
  });
  const { roll, assignments } = world.workers;
  roll.take(anAnnouncement('payment-1'));
  roll.take(anAnnouncement('payment-2', { draining: true }));
  roll.take(anAnnouncement('wallet-1', { service: 'wallet', route: 'wallet' }));
  const table = assign(undefined, ['payment-1', 'payment-2'], routeTable.partitions);
  await assignments.replace('payment', 0, table);
  const { status, body } = await world.call('GET', '/v1/workers', operator);
  t.is(status, 200);
  t.notThrows(() => listOf(workerShape).parse(body));
  const [first, second, wallet] = body['items'] as ReturnType<typeof workerShape.parse>[];
  t.like(first, { worker: 'payment-1', service: 'payment', since: '2026-01-02T00:00:00.000Z', handledPerS: 12.5 });
  t.like(second, { worker: 'payment-2', draining: true });
  t.is(first?.partitions.owner.length, routeTable.partitions / 2);
  t.deepEqual(first?.partitions.owner, second?.partitions.standby);
  t.deepEqual(second?.partitions.owner, first?.partitions.standby);
  t.true(first?.partitions.owner.every((name) => /^payment\.00\d$/.test(name)));
  t.deepEqual(wallet?.partitions, { owner: [], standby: [] });
  const silent = routeTable.routes.filter((route) => !['payment', 'wallet'].includes(route));
  t.deepEqual(
    body['missing'],
    silent.map((route) => ({ service: route, route })),
  );
});

test('every partition is shown with its owner, and with nulls for what nobody knows', async (t) => {
  const world = await startWorld();
  t.teardown(world.stop);
  await world.workers.assignments.replace('payment', 0, assign(undefined, ['payment-1'], routeTable.partitions));
  world.workers.roll.take(
    anAnnouncement('payment-1', { partitions: { 3: { oldestMs: 420, waitedMs: 12, handledPerS: 1 } } }),
  );
  const { status, body } = await world.call('GET', '/v1/partitions', operator);
  t.is(status, 200);
  t.notThrows(() => listOf(partitionShape).parse(body));
  const items = body['items'] as ReturnType<typeof partitionShape.parse>[];
  t.is(items.length, routeTable.partitions * routeTable.routes.length);
  const unknown = { owner: null, standby: null, active: null, depth: null, oldestMessageAgeMs: null };
  t.deepEqual(items[0], { route: 'order', partition: 'order.000', ...unknown });
  t.deepEqual(
    items.find(({ partition }) => partition === 'payment.003'),
    { ...unknown, route: 'payment', partition: 'payment.003', owner: 'payment-1', oldestMessageAgeMs: 420 },
  );
});

test('over the broker: announcements are heard, garbage is not, and the breaker tells whom the broker takes', async (t) => {
  const broker = createMemoryBroker({ clock: systemClock });
  broker.apply(topologyOf(routeTable, { ttlMs: 10_000, delayMs: 2000 }, 'test'));
  const [bus, breaker, payment] = ['gateway', 'circuit-breaker', 'payment'].map((name) => broker.connect(name));
  if (!bus || !breaker || !payment) throw new Error('not connected');
  const facts: PartitionFacts = { route: 'payment', queue: 'payment.001', depth: 7, active: 'payment-2' };
  await startLeader(breaker, ({ id }) => ({ id, ok: true, partitions: [facts] }));
  const world = await startListening(bus);
  const watching = watchWorkers([world.workers.roll], { bus, log: silentLog });
  t.teardown(async () => {
    await watching.close();
    await world.stop();
    await Promise.all([bus, breaker, payment].map((one) => one.close()));
    broker.close();
  });
  await until(
    'the gateway hears the workers',
    async () => {
      await payment.publish(WORKERS, { content: Buffer.from('{'), headers: {} }, 'payment').catch(() => {});
      await payment.publish(WORKERS, encodeAnnouncement(anAnnouncement('payment-2')), 'payment').catch(() => {});
      return world.workers.roll.all();
    },
    (all) => all.length === 1,
    { everyMs: 1 },
  );
  const { body } = await world.call('GET', '/v1/partitions', operator);
  const items = body['items'] as { readonly partition: string }[];
  t.like(
    items.find(({ partition }) => partition === 'payment.001'),
    { active: 'payment-2', depth: 7 },
  );
});
