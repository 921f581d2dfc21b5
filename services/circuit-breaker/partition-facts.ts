import type { PartitionFacts } from './contract.ts';
import type { Management } from '#shared/bus/topology/management.ts';
import { partitionQueues, type RouteTable } from '#shared/bus/topology/topology.ts';

/** What the management API tells of the partition queues of these routes, in their order; it lags up to 5 s behind the broker. */
export type ReadPartitions = (routes: readonly string[]) => Promise<readonly PartitionFacts[]>;

/** A queue as `GET /api/queues/{vhost}/{queue}` tells it. Without `messages` for some seconds after it was made. */
export interface QueueWithConsumers {
  readonly messages?: number;
  readonly consumer_details?: readonly {
    readonly consumer_tag: string;
    /** `single_active`: the one that gets the queue's messages; `waiting`: next in line. */
    readonly activity_status?: string;
  }[];
}

/** One request after the other on each of them. */
const LANES = 8;

/**
 * Asks queue by queue: the lists of the API tell a user without the tag `monitoring` only of its own consumers.
 */
export function partitionReader({
  api,
  vhost,
  table,
}: {
  readonly api: Pick<Management, 'get'>;
  readonly vhost: string;
  readonly table: RouteTable;
}): ReadPartitions {
  async function factsOf(route: string, queue: string): Promise<PartitionFacts> {
    const path = `/queues/${encodeURIComponent(vhost)}/${encodeURIComponent(queue)}?columns=messages,consumer_details`;
    const { messages, consumer_details: consumers = [] } = (await api.get<QueueWithConsumers>(path)) ?? {};
    const active = consumers.find(({ activity_status: status }) => status === 'single_active');
    return {
      route,
      queue,
      depth: messages ?? null,
      active: active === undefined ? null : workerOf(active.consumer_tag),
    };
  }

  return async (routes) => {
    const wanted = routes.flatMap((route) => partitionQueues(table, route).map((queue) => ({ route, queue })));
    const facts: PartitionFacts[] = [];
    const left = wanted.entries();
    const lane = async (): Promise<void> => {
      for (const [index, { route, queue }] of left) facts[index] = await factsOf(route, queue);
    };
    await Promise.all(Array.from({ length: LANES }, lane));
    return facts;
  };
}

/** A worker's consumer tags are `<worker>/<n>`; another tag stands for itself. */
function workerOf(tag: string): string {
  return tag.replace(/\/[^/]*$/, '');
}
