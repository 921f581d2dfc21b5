import { SNAPSHOT, type ServiceRights } from '#shared/bus/topology/topology.ts';

/** What a door needs that operators speak to: it asks, injects faults, and hears of breakers and workers. */
export const operatorRights: ServiceRights = {
  fronts: true,
  asks: ['breaker', 'dead-letters', 'audit'],
  injectsFaults: true,
  watchesWorkers: true,
  names: { read: [SNAPSHOT] },
};
