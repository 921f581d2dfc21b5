import type { Bus } from '#shared/bus/bus.ts';
import { BrokerRefusal } from '#shared/bus/refusal.ts';
import { partition, type RouteTable } from './topology.ts';
import { backoffMs } from '#shared/backoff.ts';
import type { Clock } from '#shared/clock.ts';
import { ConfigError } from '#shared/errors.ts';

/**
 * Rejects with `ConfigError` when the broker has more partitions for the route than the table says: nobody would consume
 * them. (Fewer show when their queues are consumed.) Waits for a broker that is not there yet.
 */
export async function requirePartitions(bus: Bus, table: RouteTable, route: string, clock: Clock): Promise<void> {
  const beyond = partition(route, table.partitions);
  for (let attempt = 1; ; attempt += 1) {
    try {
      const session = await bus.session();
      try {
        // Needs no other right than the service has; a passive declare needs `configure` on newer brokers.
        await session.consume(beyond, 1, () => {});
      } finally {
        await session.close();
      }
      throw new ConfigError([
        `the broker has more than the ${table.partitions} partitions of ${route} that the route table says (${beyond} exists): configure the broker's number`,
      ]);
    } catch (error) {
      if (error instanceof ConfigError) throw error;
      if (error instanceof BrokerRefusal && error.code === 'missing') return;
      await clock.sleep(backoffMs({ baseMs: 200, capMs: 3000 }, attempt, clock.random));
    }
  }
}
