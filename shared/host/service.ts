import type { z } from 'zod';
import type { Service, ServiceSpec } from './kit.ts';
import { configOf, shapeOf, startService } from './starting.ts';
import type { Externals, RouteTable, ServiceRights } from '#shared/bus/topology/topology.ts';

/** Declares a service: what it may do on the broker, its own configuration, its documents, and what it is made of. Nothing runs before `start`. */
export function defineService<Shape extends z.ZodRawShape>(spec: ServiceSpec<Shape>): Service {
  const { name, rights, entity, documents, api, audit, migrations } = spec;
  return {
    name,
    rights,
    entity,
    documents,
    api,
    audit: audit === undefined ? [] : [audit].flat(),
    migrations,
    variables: Object.keys(shapeOf(spec)),
    check: (environment, table) => void configOf(spec, environment, table),
    start: (environment, system, options = {}) => startService(spec, environment, system, options),
  };
}

/** The table of these services: their routes, in this order, what each may do, and who else may publish. */
export function tableOf(
  services: readonly Pick<Service, 'name' | 'rights' | 'api'>[],
  partitions: number,
  externals: Externals = {},
): RouteTable {
  const submitted = [...new Set(services.flatMap(({ api }) => api?.commands ?? []))];
  return {
    partitions,
    routes: services.flatMap(({ rights: { route } }) => (route === undefined ? [] : [route])),
    audiences: Object.fromEntries(services.flatMap(({ rights }) => Object.entries(rights.audiences ?? {}))),
    services: {
      ...Object.fromEntries(services.map(({ name, rights }) => [name, withFront(rights, submitted)])),
      ...externals,
    },
  };
}

/** A door may send what the services behind it submit. */
function withFront(rights: ServiceRights, submitted: readonly string[]): ServiceRights {
  return rights.fronts ? { ...rights, commands: [...(rights.commands ?? []), ...submitted] } : rights;
}
