import type { z } from 'zod';
import type { Service, ServiceSpec } from './kit.ts';
import { configOf, shapeOf, startService } from './starting.ts';
import type { Externals, RouteTable, ServiceRights } from '#shared/bus/topology/topology.ts';

/** Declares a service: what it may do on the broker, its own configuration, its documents, and what it is made of. Nothing runs before `start`. */
export function defineService<Shape extends z.ZodRawShape>(spec: ServiceSpec<Shape>): Service {
  const { name, rights, entity, answers, documents, api, audit, migrations } = spec;
  return {
    name,
    rights,
    entity,
    answers,
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
  const front: Front = {
    commands: [...new Set(services.flatMap(({ api }) => api?.commands ?? []))],
    questions: [...new Set(services.flatMap(({ api }) => api?.questions ?? []))],
  };
  return {
    partitions,
    routes: services.flatMap(({ rights: { route } }) => (route === undefined ? [] : [route])),
    audiences: Object.fromEntries(services.flatMap(({ rights }) => Object.entries(rights.audiences ?? {}))),
    services: {
      ...Object.fromEntries(services.map(({ name, rights }) => [name, withFront(rights, front)])),
      ...externals,
    },
  };
}

type Front = Required<Pick<ServiceRights, 'commands' | 'questions'>>;

/** A door may send and ask what the services behind it submit and ask. */
function withFront(rights: ServiceRights, { commands, questions }: Front): ServiceRights {
  if (!rights.fronts) return rights;
  const asked = [...(rights.questions ?? []), ...questions];
  return {
    ...rights,
    commands: [...(rights.commands ?? []), ...commands],
    ...(asked.length > 0 && { questions: asked }),
  };
}
