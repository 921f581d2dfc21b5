import type { Bus } from '#shared/bus/bus.ts';
import { BrokerRefusal } from '#shared/bus/broker-refusal.ts';
import { partition, type RouteTable } from './topology.ts';
import type { Clock } from '#shared/clock.ts';
import { ConfigError } from '#shared/errors.ts';
import { insist } from '#shared/insist.ts';
import { silentLog } from '#shared/log.ts';

/**
 * Rejects with `ConfigError` when the broker has more partitions for the route than the table says: nobody would consume
 * them. (Fewer show when their queues are consumed.) Waits for a broker that is not there yet.
 */
export async function requirePartitions(bus: Bus, table: RouteTable, route: string, clock: Clock): Promise<void> {
  const beyond = partition(route, table.partitions);
  // The connection itself logs that the broker is away.
  const how = { backoff: { baseMs: 200, capMs: 3000 }, isWanted: () => true };
  const isThere = await insist({ clock, log: silentLog }, how, () => exists(bus, beyond));
  if (isThere === true) {
    throw new ConfigError([
      `the broker has more than the ${table.partitions} partitions of ${route} that the route table says (${beyond} exists): configure the broker's number`,
    ]);
  }
}

/** Needs no other right than a service has for its partitions; a passive declare needs `configure` on newer brokers. */
async function exists(bus: Bus, queue: string): Promise<boolean> {
  const session = await bus.session();
  try {
    await session.consume(queue, 1, () => {});
    return true;
  } catch (error) {
    if (error instanceof BrokerRefusal && error.code === 'missing') return false;
    throw error;
  } finally {
    await session.close();
  }
}
