/** A hash ring that has changed, on RabbitMQ: found by the partitions that documents remember, told, and nothing out of order. */
import test from 'ava';
import { connectAmqp } from '#shared/bus/amqp/amqp-bus.ts';
import { encode } from '#shared/bus/envelope.ts';
import { hash, partitionQueues, type RouteTable } from '#shared/bus/topology/topology.ts';
import { systemClock as clock } from '#shared/clock.ts';
import { createEngine } from '#shared/entity/engine.ts';
import { on, type Entity } from '#shared/entity/entity.ts';
import { limitsFor } from '#shared/entity/options.ts';
import { createMemoryStore } from '#shared/entity/stores/memory-store.ts';
import { type Log, silentLog } from '#shared/log.ts';
import { amqpUrl } from '#test/support/broker-world.ts';
import { untilTrue } from '#test/support/until.ts';
import { add, type Tally } from '#test/support/engine-world.ts';
import { provisionedVhost } from '#test/support/provisioned.ts';

const TTL_MS = 3000;
const routes: RouteTable = {
  partitions: 8,
  routes: ['tally', 'asker'],
  services: { tally: { route: 'tally', answers: ['asker'] }, asker: { route: 'asker', commands: ['tally'] } },
};
const KEYS = Array.from({ length: 30 }, (_, index) => `k${index}`);

test('a ring that was made in another order is reported with its partitions, and every key keeps its order', async (t) => {
  const vhost = provisionedVhost(routes, { ttlMs: TTL_MS, delayMs: 500 });
  t.teardown(() => vhost.remove());
  await vhost.provision();
  const store = createMemoryStore<Tally>();
  const told: object[] = [];
  const log: Log = {
    ...silentLog,
    warn: (text, fields) => void (/hash ring.*changed/.test(text) && told.push(fields ?? {})),
  };
  let moved = 0;
  const meter = { handled() {}, retried() {}, died() {}, committed() {}, moved: () => void (moved += 1) };
  const entity: Entity<Tally> = {
    route: 'tally',
    handlers: [
      on(add, (state, { n }) => ({ state: { total: (state?.total ?? 0) + n, seen: [...(state?.seen ?? []), n] } })),
    ],
  };
  const queues = partitionQueues(routes, 'tally');
  const start = async () => {
    const bus = await vhost.connect('tally');
    const engine = createEngine<Tally>({
      entity,
      bus,
      store,
      clock,
      log,
      meter,
      queues,
      limits: limitsFor(TTL_MS, {}),
    });
    t.teardown(() => engine.drain(1000));
    await engine.start();
    return engine;
  };
  const sender = await vhost.connect('asker');
  const round = (n: number) =>
    Promise.all(
      KEYS.map((tally) =>
        sender.publish(
          hash('tally'),
          encode({ id: `${tally}:${n}`, type: add.name, key: tally, body: { tally, n }, correlationId: tally }),
        ),
      ),
    );
  const allSaw = (n: number): boolean => KEYS.every((key) => store.documents.get(key)?.state?.seen.at(-1) === n);

  const first = await start();
  await round(1);
  await untilTrue(() => allSaw(1));
  await round(2);
  await untilTrue(() => allSaw(2));
  t.is(moved, 0);
  await first.drain(1000);

  const admin = new URL(amqpUrl ?? '');
  admin.pathname = `/${vhost.vhost}`;
  const bus = connectAmqp({ url: admin.href, name: 'admin', clock, log: silentLog });
  t.teardown(() => bus.close());
  await untilTrue(() => bus.connected);
  const session = await bus.session();
  const binding = (destination: string) => ({
    source: hash('tally'),
    destination,
    to: 'queue' as const,
    routingKey: '1',
  });
  for (const queue of queues) await session.unbind(binding(queue));
  for (const queue of queues.toReversed()) await session.bind(binding(queue));

  await start();
  await round(3);
  await untilTrue(() => allSaw(3));
  t.true(moved > 0);
  t.true(told.length > 0 && told.length <= moved);
  for (const one of told) t.like(one, { route: 'tally' });
  for (const fields of told as { readonly from: string; readonly to: string }[])
    t.true(queues.includes(fields.from) && queues.includes(fields.to) && fields.from !== fields.to);
  for (const key of KEYS) t.deepEqual(store.documents.get(key)?.state?.seen, [1, 2, 3], key);
});
