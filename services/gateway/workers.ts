import { type Answer, ok } from '#shared/web/endpoint.ts';
import type { Gateway } from './gateway.ts';
import { missingServices } from './silent-workers.ts';
import type { Roll, Seen } from './worker-roll.ts';
import { Late } from '#shared/within.ts';
import { BREAKER_REQUEST, type PartitionFacts } from '#services/circuit-breaker/contract.ts';
import { partitionQueues, type RouteTable } from '#shared/bus/topology/topology.ts';
import { PublishError } from '#shared/errors.ts';
import type { Table } from '#shared/partition/assignment.ts';
import type { TableStore } from '#shared/partition/table-store.ts';

/** Where the gateway knows workers from: what they say of themselves, what they agreed on. */
export interface Workers {
  readonly roll: Roll;
  readonly assignments: Pick<TableStore, 'load'>;
}

/** Who works on what: the workers' own word, their agreement, and which of them the broker takes. */
export function workerHandlers({ table, workers, askBreaker, clock }: Gateway) {
  return {
    async list(): Promise<Answer> {
      const seen = workers.roll.all();
      const tables = await tablesOf([...new Set(seen.map(({ announcement }) => announcement.route))]);
      const items = seen.map((one) => workerShape(table, one, tables.get(one.announcement.route)));
      return ok({ items, missing: missingServices(workers.roll, table) });
    },

    async partitions(): Promise<Answer> {
      const [tables, facts] = await Promise.all([tablesOf(table.routes), factsOfBroker()]);
      const seen = workers.roll.all();
      const items = table.routes.flatMap((route) =>
        partitionQueues(table, route).map((queue, index) => {
          const { owner = null, standby = null } = tables.get(route)?.partitions[index] ?? {};
          const { active = null, depth = null } = facts.get(queue) ?? {};
          const oldestMessageAgeMs = oldestOf(seen, route, index);
          return { route, partition: queue, owner, standby, active, depth, oldestMessageAgeMs };
        }),
      );
      return ok({ items });
    },
  };

  async function tablesOf(routes: readonly string[]): Promise<ReadonlyMap<string, Table | undefined>> {
    return new Map(
      await Promise.all(routes.map(async (route) => [route, await workers.assignments.load(route)] as const)),
    );
  }

  /** By queue; empty while no breaker acts or it cannot ask the broker. */
  async function factsOfBroker(): Promise<ReadonlyMap<string, PartitionFacts>> {
    try {
      const reply = await askBreaker(BREAKER_REQUEST, { id: clock.id(), kind: 'partitions' }, { changesNothing: true });
      return new Map((reply.ok ? (reply.partitions ?? []) : []).map((facts) => [facts.queue, facts]));
    } catch (error) {
      if (error instanceof Late || error instanceof PublishError) return new Map();
      throw error;
    }
  }
}

function workerShape(routes: RouteTable, { announcement, lastSeenAt }: Seen, assigned: Table | undefined): object {
  const { worker, service, route, since, draining, rates } = announcement;
  const queues = partitionQueues(routes, route);
  const placed = (as: 'owner' | 'standby'): readonly string[] =>
    queues.filter((_, index) => assigned?.partitions[index]?.[as] === worker);
  return {
    worker,
    service,
    route,
    since: new Date(since).toISOString(),
    draining,
    partitions: { owner: placed('owner'), standby: placed('standby') },
    handledPerS: rates.handledPerS,
    lastSeenAt: new Date(lastSeenAt).toISOString(),
  };
}

/** Of the messages that workers have in hand; `null`: nobody has any. */
function oldestOf(seen: readonly Seen[], route: string, index: number): number | null {
  const ages = seen
    .filter(({ announcement }) => announcement.route === route)
    .map(({ announcement }) => announcement.partitions[index]?.oldestMs ?? null)
    .filter((age) => age !== null);
  return ages.length === 0 ? null : Math.max(...ages);
}
