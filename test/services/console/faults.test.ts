import test from 'ava';
import { startWorld } from '#test/services/gateway/world.ts';
import { createFaultControl } from '#services/console/faults.ts';
import { routeTable } from '#services/services.ts';
import { createMemoryBroker } from '#shared/bus/memory/memory-bus.ts';
import { CONTROL, topologyOf } from '#shared/bus/topology/topology.ts';
import { systemClock as clock } from '#shared/clock.ts';
import type { Faults } from '#shared/host/faults.ts';
import { silentLog as log } from '#shared/log.ts';

const operator = { as: 'root', role: 'operator' } as const;

/** A gateway whose faults go over an in-memory broker, where `listen` plays a service. */
async function inFaultyWorld(
  run: (
    world: Awaited<ReturnType<typeof startWorld>>,
    listen: (answers: boolean) => Promise<unknown[]>,
  ) => Promise<void>,
  copies?: () => number,
  waitMs = 400,
): Promise<void> {
  const broker = createMemoryBroker({ clock });
  broker.apply(topologyOf(routeTable, { ttlMs: 10_000, delayMs: 2000 }, 'test'));
  const bus = broker.connect('gateway');
  const service = broker.connect('wallet');
  const faults = createFaultControl({ bus, clock, log, waitMs, ...(copies && { copies }) });
  const world = await startWorld({ faults });
  try {
    await run(world, async (answers) => {
      const heard: unknown[] = [];
      let current: Faults = {};
      const isKnown = ({ crashAt = [] }: Faults): boolean => !crashAt.includes('wallet.hld');
      await service.subscribe(CONTROL, ['faults.wallet'], (packet) => {
        const order = JSON.parse(packet.content.toString()) as { id: string; faults?: Faults };
        heard.push(order);
        if (order.faults !== undefined && isKnown(order.faults)) current = order.faults;
        const problem =
          order.faults === undefined || isKnown(order.faults) ? undefined : 'wallet handles no wallet.hld';
        const content = Buffer.from(JSON.stringify({ id: order.id, service: 'wallet', faults: current, problem }));
        if (answers) void service.publish(CONTROL, { content, headers: {} }, 'faults-applied'); // its failure is the timeout
      });
      return heard;
    });
  } finally {
    await world.stop();
    await faults.close();
    await Promise.all([bus.close(), service.close()]);
  }
}

test('faults reach the service, and the answer waits until they are applied', (t) =>
  inFaultyWorld(async ({ call }, listen) => {
    const heard = await listen(true);
    const body = { crashAt: ['wallet.hold'], failRate: { numerator: 1, denominator: 2 } };
    const reply = await call('PUT', '/v1/faults/wallet', { ...operator, body });
    t.is(reply.status, 200);
    t.deepEqual(reply.body, { service: 'wallet', faults: body });
    t.like(heard[0], { service: 'wallet', faults: body });
  }));

test('a service that does not run is 503, one that does not answer 504', (t) =>
  inFaultyWorld(async ({ call }, listen) => {
    t.is((await call('PUT', '/v1/faults/wallet', { ...operator, body: {} })).status, 503);
    await listen(false);
    t.is((await call('PUT', '/v1/faults/wallet', { ...operator, body: {} })).status, 504);
  }));

test('a service of which no copy runs is answered at once, one that is just starting is waited for', async (t) => {
  let living = 0;
  await inFaultyWorld(
    async ({ call }, listen) => {
      const begun = performance.now();
      const reply = await call('GET', '/v1/faults/wallet', operator);
      t.is(reply.status, 503);
      t.regex(String(reply.body['detail']), /the service wallet does not listen: no copy of it is known to run/);
      t.true(performance.now() - begun < 500, 'not the second that answers are waited for here');
      living = 1;
      const waiting = call('GET', '/v1/faults/wallet', operator);
      await listen(true);
      t.is((await waiting).status, 200);
    },
    () => living,
    1000,
  );
});

test('a service that hangs and is known to be silent is said to be that, soon', async (t) => {
  await inFaultyWorld(
    async ({ call }, listen) => {
      await listen(false);
      const begun = performance.now();
      const reply = await call('GET', '/v1/faults/wallet', operator);
      t.is(reply.status, 503);
      t.like(reply.body, { dependency: 'wallet' });
      t.regex(String(reply.body['detail']), /wallet does not answer: no copy of it is known to run/);
      t.true(performance.now() - begun < 2400, 'the door gives a read 5 s, and then thinks of the database');
      t.is((await call('PUT', '/v1/faults/wallet', { ...operator, body: {} })).status, 504, 'it may take them yet');
    },
    () => 0,
    2500,
  );
});

test('the answer waits for every copy that lives, and not for one that died meanwhile', async (t) => {
  let living = 2;
  await inFaultyWorld(
    async ({ call }, listen) => {
      const apply = () => call('PUT', '/v1/faults/wallet', { ...operator, body: {} });
      await listen(true);
      t.is((await apply()).status, 504, 'one of two has answered');
      const waiting = apply();
      living = 1;
      t.is((await waiting).status, 200);
      living = 2;
      await listen(true);
      t.is((await apply()).status, 200);
    },
    () => living,
  );
});

test('unknown services and faults are refused, and only an operator may cause any', (t) =>
  inFaultyWorld(async ({ call }) => {
    t.is((await call('PUT', '/v1/faults/nobody', { ...operator, body: {} })).status, 404);
    t.is((await call('PUT', '/v1/faults/constructor', { ...operator, body: {} })).status, 404);
    t.is((await call('PUT', '/v1/faults/wallet', { ...operator, body: { explode: true } })).status, 400);
    t.is((await call('PUT', '/v1/faults/wallet', { as: 'alice', body: {} })).status, 403);
  }));

test('what a service was told is read, and ended by DELETE', (t) =>
  inFaultyWorld(async ({ call }, listen) => {
    await listen(true);
    const read = async () => (await call('GET', '/v1/faults/wallet', operator)).body;
    t.deepEqual(await read(), { service: 'wallet', faults: {} });
    await call('PUT', '/v1/faults/wallet', { ...operator, body: { latencyMs: 7 } });
    t.deepEqual(await read(), { service: 'wallet', faults: { latencyMs: 7 } });
    const cleared = await call('DELETE', '/v1/faults/wallet', operator);
    t.is(cleared.status, 200);
    t.deepEqual(cleared.body, { service: 'wallet', faults: {} });
    t.deepEqual(await read(), { service: 'wallet', faults: {} });
  }));

test('a fault at a message that the service does not handle is 400 with its word', (t) =>
  inFaultyWorld(async ({ call }, listen) => {
    await listen(true);
    const reply = await call('PUT', '/v1/faults/wallet', { ...operator, body: { crashAt: ['wallet.hld'] } });
    t.is(reply.status, 400);
    t.like(reply.body, { detail: 'wallet handles no wallet.hld' });
  }));

test('a service that takes no faults says so at once, with those that do', (t) =>
  inFaultyWorld(async ({ call }) => {
    for (const method of ['PUT', 'GET', 'DELETE']) {
      const body = method === 'PUT' ? { body: {} } : {};
      const reply = await call(method, '/v1/faults/gateway', { ...operator, ...body });
      t.is(reply.status, 404);
      t.regex(String(reply.body['detail']), /gateway takes no faults; these take faults: order, payment, wallet/);
    }
  }));

test('without fault injection there is no such path', async (t) => {
  const world = await startWorld();
  t.teardown(world.stop);
  t.is((await world.call('PUT', '/v1/faults/wallet', { ...operator, body: {} })).status, 404);
});
