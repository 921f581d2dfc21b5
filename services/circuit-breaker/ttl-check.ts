import type { Policy } from './breaker.ts';
import { brokerUrls } from '#shared/bus/amqp/broker-urls.ts';
import { connectManagement, type Management } from '#shared/bus/topology/management.ts';
import {
  delay,
  partitionQueues,
  questionQueues,
  questionTtlMs,
  type RouteTable,
} from '#shared/bus/topology/topology.ts';
import type { Clock } from '#shared/clock.ts';
import { insist } from '#shared/insist.ts';
import type { Log } from '#shared/log.ts';

/** A queue as the management API tells it. */
export interface QueueFacts {
  readonly name: string;
  readonly arguments?: Readonly<Record<string, unknown>>;
  /** Absent for some seconds after the queue was made, and where statistics are switched off. */
  readonly effective_policy_definition?: Readonly<Record<string, unknown>> | readonly never[];
}

export interface TtlCheck {
  /** What is wrong with a route's queues; `undefined`: nothing that is known. */
  problem(route: string): string | undefined;
  stop(): void;
}

const EVERY_MS = 60_000;
/** The API lags 5 to 8 s behind the broker: only what is still wrong after this is wrong. */
const LAG_MS = 10_000;
/** Between two tries of a read that fails. */
const AGAIN = { baseMs: 1000, capMs: EVERY_MS / 2 };

/** The management API for the user and vhost of an AMQP address; `undefined` without an address for it. */
export function managementOf(
  amqpUrl: string,
  managementUrl: string | undefined,
): { readonly api: Management; readonly vhost: string } | undefined {
  if (managementUrl === undefined) return undefined;
  const [node = ''] = brokerUrls(amqpUrl);
  const { username, password, pathname } = new URL(node);
  const url = new URL(managementUrl);
  url.username ||= username;
  url.password ||= password;
  return { api: connectManagement(url.href), vhost: decodeURIComponent(pathname.slice(1)) || '/' };
}

/**
 * Watches that the queues let messages expire when the policy says so: a stranger's policy of higher priority would end
 * that without a word, and silence would look like health. Looks at start and every minute, more often while something is wrong
 * or cannot be read.
 */
export function startTtlCheck(options: {
  readonly api: Pick<Management, 'get'>;
  readonly vhost: string;
  readonly table: RouteTable;
  readonly policies: ReadonlyMap<string, Policy>;
  readonly clock: Clock;
  readonly log: Log;
}): TtlCheck {
  const { api, vhost, table, policies, clock, log } = options;
  const stopping = new AbortController();
  let problems: ReadonlyMap<string, string> = new Map();
  const told = new Map<string, string>();

  async function look(): Promise<ReadonlyMap<string, string>> {
    const columns = 'name,arguments,effective_policy_definition';
    const queues = await api.get<readonly QueueFacts[]>(
      `/queues/${encodeURIComponent(vhost)}?columns=${columns}&disable_stats=false`,
    );
    return ttlProblems(queues ?? [], table, policies);
  }

  /** Once when it begins, once when it ends. What the second round does not find was a broker that had just been started. */
  function tell(found: ReadonlyMap<string, string>): void {
    for (const [route, problem] of found) {
      if (problems.get(route) !== problem || told.get(route) === problem) continue;
      told.set(route, problem);
      log.error('the queues do not do what the gate counts on', { route, problem });
    }
    for (const route of told.keys()) {
      if (found.has(route)) continue;
      told.delete(route);
      log.info('the queues do again what the gate counts on', { route });
    }
  }

  async function run(): Promise<void> {
    const { signal } = stopping;
    const how = { warning: 'cannot check the queues', backoff: AGAIN, isWanted: () => !signal.aborted, signal };
    const insistOnLook = () => insist({ clock, log }, how, look);
    while (!signal.aborted) {
      let found = await insistOnLook();
      if (found !== undefined && found.size > 0) {
        await clock.sleep(LAG_MS, signal).catch(() => {});
        found = await insistOnLook();
      }
      if (found === undefined) return;
      tell(found);
      problems = found;
      // After a restart of the broker the API knows nothing for a while: a problem is looked at again soon.
      await clock.sleep(problems.size > 0 ? LAG_MS / 2 : EVERY_MS, signal).catch(() => {});
    }
  }

  void run();
  return { problem: (route) => problems.get(route), stop: () => stopping.abort() };
}

/** What each route's queues do otherwise than its policy says; the first difference of a route is enough. */
export function ttlProblems(
  queues: readonly QueueFacts[],
  table: RouteTable,
  policies: ReadonlyMap<string, Policy>,
): ReadonlyMap<string, string> {
  const byName = new Map(queues.map((queue) => [queue.name, queue]));
  const problems = new Map<string, string>();
  for (const [route, { ttlMs, delayMs }] of policies) {
    const wanted: [string, number][] = [
      ...partitionQueues(table, route).map((queue): [string, number] => [queue, ttlMs]),
      ...questionQueues(table, route).map((queue): [string, number] => [queue, questionTtlMs({ ttlMs })]),
      [delay(route), delayMs],
    ];
    const problem = wanted
      .map(([name, ms]) => queueProblem(name, byName.get(name), ms))
      .find((one) => one !== undefined);
    if (problem !== undefined) problems.set(route, problem);
  }
  return problems;
}

function queueProblem(name: string, queue: QueueFacts | undefined, wantedMs: number): string | undefined {
  if (queue === undefined) return `the queue ${name} does not exist`;
  const policy = (queue.effective_policy_definition ?? {}) as Readonly<Record<string, unknown>>;
  const limits = [queue.arguments?.['x-message-ttl'], policy['message-ttl']].filter((ms) => typeof ms === 'number');
  const ttlMs = Math.min(...limits);
  if (ttlMs !== wantedMs)
    return `${name} has a TTL of ${ttlMs === Infinity ? 'none' : `${ttlMs} ms`}, the gate counts on ${wantedMs} ms: provision with the same times, or remove the policy that took over`;
  if ('overflow' in policy || 'max-length' in policy || 'max-length-bytes' in policy)
    return `a policy limits the length of ${name}: messages could be lost instead of expiring`;
  return undefined;
}
