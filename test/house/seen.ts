/** Run in a copy of the project with another service: prints as JSON what of it follows from the list of services. */
import type { Connection } from 'mongoose';
import { createRoad } from '#test/town/road.ts';
import { routeTable, serviceNames, services } from '#services/services.ts';
import { userOf } from '#shared/bus/topology/rights.ts';
import { topologyOf } from '#shared/bus/topology/topology.ts';
import { auditNames, auditSources } from '#services/audit/sources.ts';
import { createGateway } from '#services/gateway/gateway.ts';
import { createMemoryRequests } from '#services/gateway/memory-requests.ts';
import { silentLog } from '#shared/log.ts';
import { parseTokenKeys } from '#shared/web/tokens.ts';

const [service = ''] = process.argv.slice(2);
const road = await createRoad();
await road.start();
await road.ended();

const clock = road.clock;
/** What a door answers, with the access that it asks for. */
function answered(door?: 'operators'): readonly string[] {
  const { endpoints } = createGateway({
    ...(door && { door }),
    services,
    views: {},
    lookups: [],
    operators: [],
    bus: { publish: async () => {} },
    requests: createMemoryRequests(() => clock.now()),
    board: { openRoute: () => undefined, retryAfterMs: () => undefined },
    tokens: parseTokenKeys(`test:${'s'.repeat(32)}`),
    clock,
    log: silentLog,
  });
  return endpoints.map(({ access, method, path }) => `${access} ${method} ${path}`);
}

const own = routeTable.services[service];
const seen = {
  order: road.order?.status,
  state: road.state<{ readonly status?: string }>(service, road.placing.key)?.status,
  processes: serviceNames.includes(service),
  queues: topologyOf(routeTable, { ttlMs: 1000, delayMs: 100 }, 'v').queues.filter(({ name }) =>
    name.startsWith(`${service}.0`),
  ).length,
  rights: own && userOf('v', service, own, routeTable.routes).write,
  sagaMay: routeTable.services['saga']?.commands?.includes(service),
  archived: services.find(({ name }) => name === service)?.documents?.archive !== undefined,
  atTheGateway: answered(),
  atTheConsole: answered('operators'),
  audited: auditSources({} as Connection, services).flatMap(({ kind, rules }) =>
    rules.flatMap((rule) => (rule.service === service ? [kind.name] : [])),
  ),
  checks: auditNames(services).checks,
};
process.stdout.write(`${JSON.stringify(seen)}\n`);
