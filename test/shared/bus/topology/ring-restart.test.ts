/** A restarted broker makes every hash ring again: in the same order, as long as it is configured as ours are. */
import { globSync, readFileSync } from 'node:fs';
import test, { type ExecutionContext } from 'ava';
import { routeTable } from '#services/services.ts';
import { connectAmqp } from '#shared/bus/amqp/amqp-bus.ts';
import type { Bus } from '#shared/bus/bus.ts';
import { provision } from '#shared/bus/topology/provision.ts';
import { hash, partitionQueues, topologyOf } from '#shared/bus/topology/topology.ts';
import { systemClock } from '#shared/clock.ts';
import { silentLog } from '#shared/log.ts';
import { packet } from '#test/support/broker-world.ts';
import { ownNode, testOnOwnNode } from '#test/support/own-node.ts';
import { until } from '#test/support/until.ts';

const VHOST = 'rings';
const KEYS = Array.from({ length: 40 }, (_, index) => `key-${index}`);
const RESTARTS = 3;
const timing = { ttlMs: 600_000, delayMs: 1000 };

/** A bus on a node of its own that is provisioned with the real route table. */
async function provisionedNode(t: ExecutionContext) {
  const { amqpUrl, managementUrl, ctl, onStop } = await ownNode(t);
  const passwords = Object.fromEntries(Object.keys(routeTable.services).map((name) => [name, systemClock.id()]));
  const topology = topologyOf(routeTable, timing, VHOST);
  await provision({ amqpUrl, managementUrl, vhost: VHOST, topology, passwords, log: silentLog });
  const bus = connectAmqp({ url: `${amqpUrl}/${VHOST}`, name: 'rings', clock: systemClock, log: silentLog });
  onStop(() => bus.close());
  return {
    async restart(): Promise<void> {
      await ctl('stop_app');
      await ctl('start_app');
    },
    bus,
  };
}

/** By key and route: the partition that its message comes by. Sent again, under the same ids, while the broker is not back. */
async function whereKeysGo(bus: Bus, round: number): Promise<Readonly<Record<string, string>>> {
  const found: Record<string, string> = {};
  const consumers = await Promise.all(
    routeTable.routes
      .flatMap((route) => partitionQueues(routeTable, route))
      .map((queue) =>
        bus.consume(queue, {
          prefetch: 1000,
          onDelivery(delivery, consumer) {
            const [of, name = ''] = (delivery.packet.messageId ?? '').split('/');
            if (of === String(round)) found[name] = queue;
            consumer.ack([delivery]);
          },
          onChannelLost: () => {},
        }),
      ),
  );
  for (const route of routeTable.routes)
    for (const key of KEYS)
      await until(
        `${route} ${key} is confirmed`,
        () =>
          bus.publish(hash(route), packet(`${round}/${route} ${key}`, { key })).then(
            () => true,
            () => false,
          ),
        Boolean,
      );
  const all = KEYS.length * routeTable.routes.length;
  await until(
    'every message has come',
    () => Object.keys(found).length,
    (count) => count === all,
  );
  await Promise.all(consumers.map((consumer) => consumer.close()));
  return found;
}

testOnOwnNode(
  'every key goes to the partition of before after each restart of a broker that is configured as ours',
  async (t) => {
    const node = await provisionedNode(t);
    const before = await whereKeysGo(node.bus, 0);
    t.is(Object.keys(before).length, KEYS.length * routeTable.routes.length);
    for (let restart = 1; restart <= RESTARTS; restart += 1) {
      await node.restart();
      t.deepEqual(await whereKeysGo(node.bus, restart), before, `restart ${restart}`);
    }
  },
);

test('bindings are recovered one after another wherever a broker is configured here', (t) => {
  t.regex(readFileSync('rabbitmq/advanced.config', 'utf8'), /\{rabbit, \[[^]*\{default_worker_pool_size, 1\}/);
  const compose = readFileSync('docker-compose.yml', 'utf8');
  const nodes = [...compose.matchAll(/\*broker-conf\b.*$/gm)].map(([line]) => line);
  t.true(nodes.length >= 3);
  for (const line of nodes) t.true(line.includes('*broker-advanced'), line);
  const others = globSync(['{local,bench,test,rabbitmq,.ci}/**/*.{ts,mjs,config,conf}']).filter(
    (file) =>
      /RABBITMQ_CONFIG_FILE\b/.test(readFileSync(file, 'utf8')) &&
      !/ADVANCED_CONFIG_FILE/.test(readFileSync(file, 'utf8')),
  );
  t.deepEqual(
    others.filter((file) => !file.endsWith('ring-restart.test.ts')),
    [],
  );
});
