/** What `npm run status` asks. */
import type { Api } from '#local/commands/api.ts';
import type { ExecutorView } from '#services/executor/shapes.ts';
import { Trouble } from '#local/stack/trouble.ts';
import { reasonOf } from '#shared/errors.ts';

export interface ServiceFacts {
  readonly name: string;
  /** Why it is not ready; absent: it is. */
  readonly problem?: string;
}

export interface RouteFacts {
  readonly route: string;
  readonly state: string;
  readonly override?: {
    readonly state: string;
    readonly until: string;
    readonly reason?: string;
    readonly by?: string;
  };
  readonly since: string;
  readonly parked: number;
  readonly delayed: number;
  readonly problems?: readonly string[];
  readonly stale?: boolean;
}

export interface OpenOrder {
  readonly id: string;
  readonly status: string;
  readonly createdAt: string;
}

export interface StatusFacts {
  readonly services: readonly ServiceFacts[];
  /** Without a living worker. */
  readonly missing: readonly { readonly service: string }[];
  /** Or why nothing is known of them. */
  readonly routes: readonly RouteFacts[] | string;
  /** Messages in the route's partitions; absent: not known. */
  readonly depths: ReadonlyMap<string, number>;
  readonly deadLetters: readonly { readonly cause: string; readonly route: string; readonly count: number }[];
  readonly orders: { readonly open: number; readonly isMore: boolean; readonly oldest?: OpenOrder };
  readonly executors: readonly ExecutorView[];
  readonly audit?: {
    readonly state: string;
    readonly startedAt: string;
    readonly endedAt?: string;
    readonly violations: number;
  };
}

const MAX_PAGES = 10;
const HEALTH_MS = 3000;

/** `health`: where the processes of the stack answer, by name; of a stack elsewhere nothing is known of them. */
export async function statusFacts(api: Api, health: Readonly<Record<string, string>>): Promise<StatusFacts> {
  // Together, so that nobody is left to fail unheard where nothing answers.
  const [services, { missing }, routes, causes, audits] = await Promise.all([
    Promise.all(Object.entries(health).map(([name, url]) => serviceFacts(name, url))),
    taken<{ readonly missing: StatusFacts['missing'] }>(api, '/v1/workers'),
    taken<Items<RouteFacts>>(api, '/v1/breakers').then(({ items }) => items, reasonOf),
    taken<Items<Cause>>(api, '/v1/dead-letters/causes?state=dead'),
    taken<Items<NonNullable<StatusFacts['audit']>>>(api, '/v1/audits'),
  ]);
  const [audit] = audits.items.filter(({ state }) => state !== 'running');
  return {
    services,
    missing,
    routes,
    depths: await depthsOf(api),
    deadLetters: causes.items
      .map(({ obsolete = 0, ...cause }) => ({ ...cause, count: cause.count - obsolete }))
      .filter(({ count }) => count > 0),
    orders: await openOrders(api),
    executors: await taken(api, '/v1/executors'),
    ...(audit === undefined ? {} : { audit }),
  };
}

interface Items<Item> {
  readonly items: readonly Item[];
  readonly nextCursor?: string;
}
type Cause = StatusFacts['deadLetters'][number] & { readonly obsolete?: number };

async function serviceFacts(name: string, url: string): Promise<ServiceFacts> {
  try {
    const response = await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(HEALTH_MS) });
    const { checks } = (await response.json()) as Readiness;
    const wrong = Object.entries(checks).filter(([, { ok }]) => !ok);
    return wrong.length === 0
      ? { name }
      : { name, problem: wrong.map(([check, { reason = '' }]) => `${check}: ${reason}`).join('; ') };
  } catch {
    return { name, problem: 'does not answer' };
  }
}

interface Readiness {
  readonly checks: Readonly<Record<string, { readonly ok: boolean; readonly reason?: string }>>;
}

async function depthsOf(api: Api): Promise<ReadonlyMap<string, number>> {
  interface Partition {
    readonly route: string;
    readonly depth: number | null;
  }
  const depths = new Map<string, number>();
  for (const { route, depth } of (await taken<Items<Partition>>(api, '/v1/partitions')).items)
    if (depth !== null) depths.set(route, (depths.get(route) ?? 0) + depth);
  return depths;
}

/** Lists are newest first: the oldest is on the last page. */
async function openOrders(api: Api): Promise<StatusFacts['orders']> {
  const found: OpenOrder[] = [];
  let isMore = false;
  for (const state of ['pending', 'paid']) {
    let cursor: string | undefined;
    for (let pages = 0; pages === 0 || cursor !== undefined; pages += 1) {
      if (pages === MAX_PAGES) {
        isMore = true;
        break;
      }
      const query = new URLSearchParams({ state, limit: '100', ...(cursor === undefined ? {} : { cursor }) });
      const page: Items<OpenOrder> = await taken(api, `/v1/orders?${query.toString()}`);
      found.push(...page.items);
      cursor = page.nextCursor;
    }
  }
  const [oldest] = found.toSorted((a, b) => a.createdAt.localeCompare(b.createdAt, 'en'));
  return { open: found.length, isMore, ...(oldest === undefined ? {} : { oldest }) };
}

async function taken<Body>(api: Api, path: string): Promise<Body> {
  const { status, body } = await api.get<Body>(path);
  if (status < 300) return body;
  throw new Trouble((body as { readonly detail?: string } | undefined)?.detail ?? `${path} was answered ${status}`);
}
