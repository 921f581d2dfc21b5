import { askedRoutes } from './asked-routes.ts';
import type { RouteTable, Timing } from './route-table.ts';

const NAME = /^[a-z][a-z-]*$/;
/** Exchanges that are no route's. */
const RESERVED = new Set(['amq', 'events', 'control', 'workers', 'breaker', 'answers']);

/** Throws `TypeError` for a table that cannot be provisioned. */
export function checkTable(table: RouteTable, timingOf: (route: string) => Timing): void {
  const { partitions, routes, services } = table;
  if (!Number.isInteger(partitions) || partitions < 1 || partitions > 999) {
    throw new TypeError(`partitions is 1 to 999, not ${partitions}`);
  }
  for (const route of routes) {
    const { ttlMs, delayMs } = timingOf(route);
    for (const value of [ttlMs, delayMs]) {
      if (!Number.isInteger(value) || value < 0)
        throw new TypeError(`the times of ${route} are whole numbers of ms, not ${value}`);
    }
  }
  const audiences = Object.keys(table.audiences ?? {});
  for (const name of [...routes, ...audiences, ...Object.keys(services)]) {
    if (!NAME.test(name) || RESERVED.has(name))
      throw new TypeError(`a route or service is named in lower case, not ${JSON.stringify(name)}`);
  }
  if (new Set([...routes, ...audiences]).size !== routes.length + audiences.length)
    throw new TypeError('a route is listed twice');
  for (const [name, { external, commands = [], ...others }] of Object.entries(table.services)) {
    if (external && (commands.length === 0 || Object.keys(others).length > 0))
      throw new TypeError(`${name} is external: it names the routes that it publishes to, and nothing else`);
  }
  const named = Object.entries(services).map(([service, { route, commands = [], answers = [], questions = [] }]) => {
    const answered = answers.filter((name) => !audiences.includes(name));
    return [service, [...(route === undefined ? [] : [route]), ...commands, ...answered, ...questions]] as const;
  });
  const answering = askedRoutes(table);
  for (const [service, { questions = [] }] of Object.entries(services)) {
    const deaf = questions.find((route) => routes.includes(route) && !answering.includes(route));
    if (deaf !== undefined) throw new TypeError(`${service} asks ${deaf}, which answers no questions`);
  }
  for (const [name, others] of [...Object.entries(table.audiences ?? {}), ...named]) {
    for (const route of others)
      if (!routes.includes(route)) throw new TypeError(`${name} names the route ${route}, which does not exist`);
  }
}
