/** Run in a copy of the project with another service: prints as JSON what of it follows from the list of services. */
import { createRoad } from '#test/town/road.ts';
import { routeTable, serviceNames, services } from '#services/services.ts';
import { userOf } from '#shared/bus/topology/rights.ts';
import { topologyOf } from '#shared/bus/topology/topology.ts';
import { auditNames } from '#services/audit/sources.ts';
import { mounted } from '#shared/web/api.ts';
import { openApiOf } from '#shared/web/openapi.ts';

const [service = ''] = process.argv.slice(2);
const nothing = async (): Promise<never> => {
  throw new Error('nobody asks');
};
const road = await createRoad();
await road.start();
await road.ended();

const clock = road.clock;
const endpoints = mounted(services, {}, { clock, submit: nothing, outcomeMs: 1, accepted: async () => undefined });
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
  paths: Object.keys(openApiOf(endpoints)['paths'] as object),
  checks: auditNames(services).checks,
};
process.stdout.write(`${JSON.stringify(seen)}\n`);
