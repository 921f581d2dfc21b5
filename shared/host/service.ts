import type { z } from 'zod';
import type { Service, ServiceSpec } from './kit.ts';
import { configOf, startService } from './starting.ts';
import type { RouteTable } from '#shared/bus/topology/topology.ts';

/** Declares a service: what it may do on the broker, its own configuration, its documents, and what it is made of. Nothing runs before `start`. */
export function defineService<Shape extends z.ZodRawShape>(spec: ServiceSpec<Shape>): Service {
  const { name, rights, entity, documents, config } = spec;
  return {
    name,
    rights,
    entity,
    documents,
    variables: Object.keys(config),
    check: (environment, table) => void configOf(spec, environment, table),
    start: (environment, table, options = {}) => startService(spec, environment, table, options),
  };
}

/** The table of these services: their routes, in this order, and what each may do. */
export function tableOf(services: readonly Pick<Service, 'name' | 'rights'>[], partitions: number): RouteTable {
  return {
    partitions,
    routes: services.flatMap(({ rights: { route } }) => (route === undefined ? [] : [route])),
    audiences: Object.fromEntries(services.flatMap(({ rights }) => Object.entries(rights.audiences ?? {}))),
    services: Object.fromEntries(services.map(({ name, rights }) => [name, rights])),
  };
}
