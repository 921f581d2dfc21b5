import { externals } from './externals.ts';
import type { RouteTable } from '#shared/bus/topology/topology.ts';
import type { Migration } from '#shared/database/migration.ts';
import type { Service, System } from '#shared/host/kit.ts';
import { tableOf } from '#shared/host/service.ts';

/** Every service, a line each. Routes, rights, broker users, processes and what is archived follow from this list. */
const folders = [
  import('./order/service.ts'),
  import('./payment/service.ts'),
  import('./wallet/service.ts'),
  import('./stock/service.ts'),
  import('./delivery/service.ts'),
  import('./notify/service.ts'),
  import('./catalogue/service.ts'),
  import('./category/service.ts'),
  import('./verification/service.ts'),
  import('./fraud/service.ts'),
  import('./suggestions/service.ts'),
  import('./checkout/service.ts'),
  import('./executor/service.ts'),
  import('./pricing/service.ts'),
  import('./basket/service.ts'),
  import('./saga/service.ts'),
  import('./gateway/service.ts'),
  import('./console/service.ts'),
  import('./circuit-breaker/service.ts'),
  import('./dead-letters/service.ts'),
  import('./audit/service.ts'),
];

export const services: readonly Service[] = (await Promise.all(folders)).map(({ service }) => service);

/** Names of all that any of them reads from its environment. */
export const variables: readonly string[] = [...new Set(services.flatMap((one) => one.variables))];

export const serviceNames: readonly string[] = services.map(({ name }) => name);

/** What the database went through, whichever service asked for it. */
export const migrations: readonly Migration[] = services.flatMap((one) => one.migrations ?? []);

/** Every route has this many partition queues, for ever: another number would move keys between them. */
const PARTITIONS = 8;

export const routeTable: RouteTable = tableOf(services, PARTITIONS, externals);

/** Who has a user on the broker: the services, and the publishers that are not ours. */
export const brokerUsers: readonly string[] = Object.keys(routeTable.services);

export const system: System = { services, table: routeTable, variables };
