import test from 'ava';
import { requirePartitions } from '#shared/bus/topology/require-partitions.ts';
import type { RouteTable } from '#shared/bus/topology/topology.ts';
import { systemClock } from '#shared/clock.ts';
import { ConfigError } from '#shared/errors.ts';
import { provisionedVhost } from '#test/support/provisioned.ts';

const table: RouteTable = { partitions: 3, routes: ['order'], services: { order: { route: 'order' } } };

test('a service configured with fewer partitions than the broker has refuses to start', async (t) => {
  const vhost = provisionedVhost(table, { ttlMs: 1000, delayMs: 100 });
  t.teardown(() => vhost.remove());
  await vhost.provision();
  const bus = await vhost.connect('order');
  await t.notThrowsAsync(requirePartitions(bus, table, 'order', systemClock));
  const error = await t.throwsAsync(requirePartitions(bus, { ...table, partitions: 2 }, 'order', systemClock), {
    instanceOf: ConfigError,
  });
  t.regex(error?.message ?? '', /more than the 2 partitions of order/);
});
