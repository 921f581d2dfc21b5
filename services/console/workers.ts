import { z } from 'zod';
import type { AskBreaker } from './breakers.ts';
import { missingServices, missingShape } from './silent-workers.ts';
import { BREAKER_REQUEST, type PartitionFacts } from '#services/circuit-breaker/contract.ts';
import { partitionQueues, type RouteTable } from '#shared/bus/topology/topology.ts';
import type { Clock } from '#shared/clock.ts';
import { PublishError } from '#shared/errors.ts';
import type { Table } from '#shared/partition/assignment.ts';
import type { Roll, SeenWorker } from '#shared/partition/roll.ts';
import type { TableStore } from '#shared/partition/table-store.ts';
import { type Endpoint, endpoint, ok, type Tag } from '#shared/web/endpoint.ts';
import { listOf, named, shape, time } from '#shared/web/shapes.ts';
import { Late } from '#shared/within.ts';

const workersTag: Tag = { name: 'Workers', description: 'Which process works on what. For operators.' };

export interface WorkerParts {
  readonly table: RouteTable;
  /** What workers say of themselves. */
  readonly roll: Roll;
  /** What they agreed on. */
  readonly assignments: Pick<TableStore, 'load'>;
  readonly askBreaker: AskBreaker;
  readonly clock: Clock;
}

export const workerShape = named(
  'Worker',
  shape({
    worker: z.string().describe('The id of the process.'),
    service: z.string().describe('Its service.'),
    route: z.string().describe('The route that it works on.'),
    since: time.describe('Since when it works.'),
    draining: z.boolean().describe('It hands over what it has and will leave.'),
    partitions: shape({
      owner: z.array(z.string()).readonly().describe('Those that it works on.'),
      standby: z.array(z.string()).readonly().describe('Those that it takes over when their owner goes.'),
    }).describe('Names of partition queues.'),
    handledPerS: z.number().describe('Messages handled a second, lately.'),
    lastSeenAt: time.describe('When it was last heard.'),
  }).meta({
    examples: [
      {
        worker: 'payment-1',
        service: 'payment',
        route: 'payment',
        since: '2026-11-28T13:00:00.000Z',
        draining: false,
        partitions: { owner: ['payment.000', 'payment.003'], standby: ['payment.001'] },
        handledPerS: 12.5,
        lastSeenAt: '2026-11-28T13:05:00.104Z',
      },
    ],
  }),
);
const workersShape = listOf(workerShape).extend({
  missing: missingShape.describe('Services of which no worker is alive.'),
});

export const partitionShape = named(
  'Partition',
  shape({
    route: z.string().describe('The name of the route.'),
    partition: z.string().describe('The name of its queue.'),
    owner: z.string().nullable().describe('The worker that is to work on it.'),
    standby: z.string().nullable().describe('Follows when the owner goes; `null` when the owner is alone.'),
    active: z
      .string()
      .nullable()
      .describe('Who gets its messages, as the broker sees it; `null` while no circuit breaker answers.'),
    depth: z.int().nullable().describe('Messages in it; `null` while no circuit breaker answers.'),
    oldestMessageAgeMs: z.number().nullable().describe('Of the messages that a worker has in hand, ms.'),
  }).meta({
    examples: [
      {
        route: 'payment',
        partition: 'payment.000',
        owner: 'payment-1',
        standby: 'payment-2',
        active: 'payment-1',
        depth: 0,
        oldestMessageAgeMs: null,
      },
    ],
  }),
);

/** Who works on what: the workers' own word, their agreement, and which of them the broker takes. */
export function workerEndpoints({ table, roll, assignments, askBreaker, clock }: WorkerParts): readonly Endpoint[] {
  return [
    endpoint('GET', '/v1/workers', {
      id: 'listWorkers',
      tag: workersTag,
      summary: 'The processes that work on entities: their partitions, and whether they are handing them over.',
      description: '`missing` names the services of which none is alive.',
      access: 'operator',
      answers: { 200: workersShape },
      async handle() {
        const seen = roll.all();
        const tables = await tablesOf([...new Set(seen.map(({ announcement }) => announcement.route))]);
        const items = seen.map((one) => workerOf(table, one, tables.get(one.announcement.route)));
        return ok({ items, missing: missingServices(roll, table) });
      },
    }),
    endpoint('GET', '/v1/partitions', {
      id: 'listPartitions',
      tag: workersTag,
      summary: 'Every partition: who is to work on it, whom the broker takes, and what waits.',
      description: 'What the broker says is up to 5 s late.',
      access: 'operator',
      answers: { 200: listOf(partitionShape) },
      async handle() {
        const [tables, facts] = await Promise.all([tablesOf(table.routes), factsOfBroker()]);
        const seen = roll.all();
        const items = table.routes.flatMap((route) =>
          partitionQueues(table, route).map((queue, index): z.infer<typeof partitionShape> => {
            const { owner = null, standby = null } = tables.get(route)?.partitions[index] ?? {};
            const { active = null, depth = null } = facts.get(queue) ?? {};
            const oldestMessageAgeMs = oldestOf(seen, route, index);
            return { route, partition: queue, owner, standby, active, depth, oldestMessageAgeMs };
          }),
        );
        return ok({ items });
      },
    }),
  ];

  async function tablesOf(routes: readonly string[]): Promise<ReadonlyMap<string, Table | undefined>> {
    return new Map(await Promise.all(routes.map(async (route) => [route, await assignments.load(route)] as const)));
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

function workerOf(
  routes: RouteTable,
  { announcement, lastSeenAt }: SeenWorker,
  assigned: Table | undefined,
): z.infer<typeof workerShape> {
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
function oldestOf(seen: readonly SeenWorker[], route: string, index: number): number | null {
  const ages = seen
    .filter(({ announcement }) => announcement.route === route)
    .map(({ announcement }) => announcement.partitions[index]?.oldestMs ?? null)
    .filter((age) => age !== null);
  return ages.length === 0 ? null : Math.max(...ages);
}
