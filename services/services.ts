import { service as catalogue } from './catalogue/service.ts';
import { service as circuitBreaker } from './circuit-breaker/service.ts';
import { service as deadLetters } from './dead-letters/service.ts';
import { service as delivery } from './delivery/service.ts';
import { externals } from './externals.ts';
import { service as gateway } from './gateway/service.ts';
import { service as notify } from './notify/service.ts';
import { service as order } from './order/service.ts';
import { service as payment } from './payment/service.ts';
import { service as saga } from './saga/service.ts';
import { service as wallet } from './wallet/service.ts';
import type { RouteTable } from '#shared/bus/topology/topology.ts';
import type { Migration } from '#shared/database/migration.ts';
import type { Service, System } from '#shared/host/kit.ts';
import { tableOf } from '#shared/host/service.ts';

/** Every service. Routes, rights, broker users, processes and what is archived follow from this list. */
export const services: readonly Service[] = [
  order,
  payment,
  wallet,
  delivery,
  notify,
  catalogue,
  saga,
  gateway,
  circuitBreaker,
  deadLetters,
];

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
