import test, { type ExecutionContext } from 'ava';
import {
  aBreaker,
  anOpen,
  aSnapshot,
  broadcast,
  startLeader,
  startListening,
} from '#test/services/console/breaker-world.ts';
import { routeTable } from '#services/services.ts';
import type { Bus } from '#shared/bus/bus.ts';
import { createMemoryBroker } from '#shared/bus/memory/memory-bus.ts';
import { topologyOf } from '#shared/bus/topology/topology.ts';
import { systemClock as clock } from '#shared/clock.ts';
import { p95, shownTimes, stopwatch, type Took } from '#test/support/held-up.ts';
import { provisionedVhost } from '#test/support/provisioned.ts';
import { testIf } from '#test/support/test-if.ts';
import { until } from '#test/support/until.ts';

const timing = { ttlMs: 10_000, delayMs: 2000 };

interface Broker {
  connect(service: string): Promise<Bus>;
  close(): Promise<void>;
}

function inMemory(): Promise<Broker> {
  const broker = createMemoryBroker({ clock });
  broker.apply(topologyOf(routeTable, timing, 'test'));
  const buses: Bus[] = [];
  return Promise.resolve({
    async connect(name) {
      const bus = broker.connect(name);
      buses.push(bus);
      return bus;
    },
    async close() {
      await Promise.all(buses.map((bus) => bus.close()));
      broker.close();
    },
  });
}

/** With the rights that each service has there. */
async function rabbit(): Promise<Broker> {
  const vhost = provisionedVhost(routeTable, timing);
  await vhost.provision();
  return { connect: vhost.connect, close: vhost.remove };
}

async function threeGateways(t: ExecutionContext, start: () => Promise<Broker>): Promise<void> {
  const broker = await start();
  const gateways: Awaited<ReturnType<typeof startListening>>[] = [];
  try {
    const breaker = await broker.connect('circuit-breaker');
    await startLeader(breaker, ({ id }) => ({ id, ok: true, breaker: aBreaker('payment') }));
    for (let n = 0; n < 3; n += 1) gateways.push(await startListening(await broker.connect('gateway')));
    const say = (open: boolean) => {
      const now = clock.now();
      generation += 1;
      const state = open ? anOpen('payment', now, 9000, { generation }) : aBreaker('payment', { generation });
      return broadcast(breaker, aSnapshot([state], now));
    };
    let generation = 0;
    const answers = () => Promise.all(gateways.map(async ({ order }) => (await order()).status));
    await until(
      'all have heard of the breaker',
      async () => {
        await say(false);
        return gateways.map(({ board }) => board.all().length);
      },
      (counts) => counts.every((count) => count === 1),
    );
    t.deepEqual(await answers(), [202, 202, 202]);

    const took: Took[] = [];
    for (let round = 0; round < 20; round += 1) {
      const stop = stopwatch();
      await say(true);
      await until('all refuse', answers, (all) => all.every((status) => status === 503), { everyMs: 1 });
      took.push(stop());
      await say(false);
      await until('none refuses', answers, (all) => all.every((status) => status === 202), { everyMs: 1 });
    }
    t.log(`p95 ${p95(took).toFixed(1)} ms until all three refused`);
    t.true(p95(took) < 100, shownTimes(took));

    const body = { state: 'open', expiresInMs: 1000 };
    const forced = await Promise.all(
      gateways.map(({ call }) => call('PUT', '/v1/breakers/payment/override', { as: 'root', role: 'operator', body })),
    );
    t.deepEqual(
      forced.map(({ status }) => status),
      [200, 200, 200],
    );
  } finally {
    await Promise.all(gateways.map((gateway) => gateway.stop()));
    await broker.close();
  }
}

test('three gateways refuse within 100 ms of a broadcast, in memory', (t) => threeGateways(t, inMemory));

const onRabbit = testIf(process.env['SWITCHYARD_TEST_AMQP_URL'] !== undefined, 'no broker: run it with npm test');
onRabbit('three gateways refuse within 100 ms of a broadcast, on RabbitMQ with the rights of each', (t) =>
  threeGateways(t, rabbit),
);
