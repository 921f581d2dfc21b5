import test from 'ava';
import { startMover } from '#services/circuit-breaker/mover.ts';
import { decode, encode } from '#shared/bus/envelope.ts';
import type { RouteTable } from '#shared/bus/topology.ts';
import { systemClock } from '#shared/clock.ts';
import { silentLog } from '#shared/log.ts';
import { collect, packet, until } from '#test/support/broker-world.ts';
import { provisionedVhost } from '#test/support/provisioned.ts';

const table: RouteTable = {
  partitions: 2,
  routes: ['wallet'],
  services: { wallet: { route: 'wallet' }, saga: { commands: ['wallet'] }, 'circuit-breaker': { breaker: true } },
};

test('on RabbitMQ, with its own rights: what expired twice is handled in the end, what is not ours is dead-lettered', async (t) => {
  const vhost = provisionedVhost(table, { ttlMs: 200, delayMs: 100 });
  t.teardown(() => vhost.remove());
  await vhost.provision();
  const [saga, wallet, breaker] = [
    await vhost.connect('saga'),
    await vhost.connect('wallet'),
    await vhost.connect('circuit-breaker'),
  ];
  const moved: string[] = [];
  const mover = await startMover({
    bus: breaker,
    clock: systemClock,
    log: silentLog,
    routes: table.routes,
    policy: { maxRedrives: 50, pause: { baseMs: 20, capMs: 200 }, quietMs: 2000 },
    onMoved: (_, to) => moved.push(to),
  });
  const message = { id: 'o1:hold:do', type: 'wallet.hold', key: 'alice', body: { amount: 1 }, correlationId: 'o1' };
  await saga.publish('wallet.in', encode(message));
  await saga.publish('wallet.in', packet('strange', { key: 'bob' }, '{'));
  await until(() => moved.filter((to) => to === 'redriven').length >= 3);
  t.is(moved.filter((to) => to === 'dead').length, 1);
  const consumers = await Promise.all(['wallet.000', 'wallet.001'].map((queue) => collect(wallet, queue)));
  const got = () => consumers.flatMap((consumer) => consumer.got);
  await until(() => got().length > 0);
  const handled = decode(got()[0]?.packet ?? packet('none'));
  t.like(handled, message);
  t.true((handled.redriven ?? 0) >= 3);
  t.false('x-death' in (got()[0]?.packet.headers ?? {}));
  for (const { consumer, got: all } of consumers) consumer.ack(all);
  await mover.stop();
});
