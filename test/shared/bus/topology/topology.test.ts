import test from 'ava';
import { createMemoryBroker } from '#shared/bus/memory/memory-bus.ts';
import { gate, partition, type RouteTable, topologyOf } from '#shared/bus/topology/topology.ts';
import { systemClock } from '#shared/clock.ts';
import { routeTable } from '#services/services.ts';

const timing = { ttlMs: 10_000, delayMs: 2_000 };
const topology = topologyOf(routeTable, timing, 'v');

test('every queue has exactly one policy, and none names overflow', (t) => {
  for (const name of [...topology.queues.map((queue) => queue.name), ...topology.gates.map(({ state }) => state)]) {
    const matching = topology.policies.filter(({ pattern }) => new RegExp(pattern).test(name));
    t.is(matching.length, 1, name);
  }
  t.true(topology.policies.every(({ definition }) => !('overflow' in definition)));
  for (const { name, type } of topology.queues) {
    const policy = topology.policies.find(({ pattern }) => new RegExp(pattern).test(name));
    t.is(typeof policy?.definition['delivery-limit'], type === 'quorum' ? 'number' : 'undefined', name);
  }
});

test('times are in policies, never in arguments', (t) => {
  t.true(topology.queues.every((queue) => !('x-message-ttl' in queue.arguments)));
  const ttlOf = (name: string): unknown =>
    topology.policies.find(({ pattern }) => new RegExp(pattern).test(name))?.definition['message-ttl'];
  t.deepEqual([ttlOf('order.007'), ttlOf('order.delay'), ttlOf('order.expired')], [10_000, 2_000, undefined]);
});

test('partitions are bound in name order, which is also their order as text', (t) => {
  const ring = topology.bindings.filter(({ source }) => source === 'saga.hash').map(({ destination }) => destination);
  t.deepEqual(ring, ring.toSorted());
  t.is(ring.length, routeTable.partitions);
  t.is(partition('saga', 12), 'saga.012');
});

test('the gate begins closed and is nobody else’s', (t) => {
  const broker = createMemoryBroker({ clock: systemClock });
  t.teardown(() => broker.close());
  broker.apply(topology);
  const has = (source: string): boolean => broker.bindings().some((binding) => binding.source === source);
  t.true(has(gate('wallet').direct.source) && has(gate('wallet').delayed.source));
  t.false(topology.bindings.some(({ source }) => source.endsWith('.in') || source.endsWith('.half')));
});

test('every dead-letter exchange exists and reaches a queue', (t) => {
  for (const queue of topology.queues) {
    const target = queue.arguments['x-dead-letter-exchange'];
    if (target === undefined) continue;
    t.true(
      topology.exchanges.some(({ name }) => name === target),
      queue.name,
    );
    t.true(
      topology.bindings.some(({ source }) => source === target),
      queue.name,
    );
    // What a question's queue loses is asked again, or nobody waits for it any more.
    t.is(queue.arguments['x-overflow'], queue.type === 'quorum' ? 'reject-publish' : undefined, queue.name);
  }
});

test('only the breaker may read what the gate is bound to', (t) => {
  for (const { service, read, configure, write } of topology.users) {
    const may = (expression: string, name: string): boolean => new RegExp(expression).test(name);
    t.is(may(read, 'order.in') || may(read, 'order.half'), service === 'circuit-breaker', service);
    t.false(may(configure, 'order.000') || may(configure, 'order.in'), service);
    t.false(may(write, '') || may(write, 'amq.default'), service);
    t.is(may(write, 'order.state'), service === 'circuit-breaker', service);
  }
});

const DOORS = ['gateway', 'console'];

test('workers speak and hear only for their own service, the doors hear all, the breaker nothing', (t) => {
  for (const { service, read, write, topics } of topology.users) {
    if (routeTable.services[service]?.external) {
      t.false(new RegExp(write).test('workers') || new RegExp(read).test('workers'), service);
      continue;
    }
    const workers = topics.find(({ exchange }) => exchange === 'workers');
    if (workers === undefined) return t.fail(`${service} has no word about workers`);
    const may = (expression: string, name: string): boolean => new RegExp(expression).test(name);
    const isWorker = routeTable.services[service]?.route !== undefined;
    t.is(may(write, 'workers') && may(workers.write, service), isWorker, service);
    t.is(may(read, 'workers') && may(workers.read, service), isWorker || DOORS.includes(service), service);
    t.false(may(workers.write, 'other'), service);
    for (const key of ['other', '#', '*', `${service}.x`])
      t.is(may(workers.read, key), DOORS.includes(service), service);
  }
});

const wrong: readonly [string, Partial<RouteTable>][] = [
  ['no partitions', { partitions: 0 }],
  ['too many partitions', { partitions: 1000 }],
  ['a fraction of a partition', { partitions: 2.5 }],
  ['a route in capitals', { routes: ['Order'] }],
  ['a route that is an exchange of ours', { routes: ['events'] }],
  ['a service that is an exchange of ours', { services: { workers: {} } }],
  ['a route twice', { routes: ['order', 'order'] }],
  ['a publisher of others that names no route', { services: { shop: { external: true } } }],
  [
    'a publisher of others that wants more',
    { services: { shop: { external: true, commands: ['order'], asks: ['x'] } } },
  ],
  [
    'a publisher of others that names a route that does not exist',
    { services: { shop: { external: true, commands: ['stock'] } } },
  ],
  ['a right to a route that does not exist', { services: { order: { commands: ['stock'] } } }],
];

for (const [what, part] of wrong) {
  test(`a table with ${what} is refused`, (t) => {
    t.throws(() => topologyOf({ partitions: 8, routes: ['order'], services: {}, ...part }, timing, 'v'), {
      instanceOf: TypeError,
    });
  });
}

test('what is published to an audience reaches the partition of its key in each of its routes', (t) => {
  const broker = createMemoryBroker({ clock: systemClock });
  t.teardown(() => broker.close());
  broker.apply(topology);
  broker.put('order-and-saga.hash', { content: Buffer.from('{}'), headers: { key: 'some order' } });
  const filled = (route: string): readonly string[] =>
    topology.queues
      .map(({ name }) => name)
      .filter((name) => /\.\d{3}$/.test(name) && name.startsWith(`${route}.`) && broker.queue(name).ready.length > 0);
  broker.put('order.hash', { content: Buffer.from('{}'), headers: { key: 'some order' } });
  t.is(filled('order').length, 1, 'the same partition as for everything else under that key');
  t.is(filled('saga').length, 1);
  for (const audiences of [{ saga: ['order'] }, { both: ['order', 'nowhere'] }]) {
    const table: RouteTable = { ...routeTable, audiences };
    t.throws(() => topologyOf(table, timing, 'v'), { instanceOf: TypeError });
  }
});
