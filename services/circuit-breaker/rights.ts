import { LEADER, SNAPSHOT, type ServiceRights } from '#shared/bus/topology/topology.ts';

/** Nobody else may read `<route>.in` and `.half`, so that nobody else can bind the gate. */
export const breakerRights: ServiceRights = {
  answersAbout: 'breaker',
  everyRoute: {
    write: ['hash', 'delay', 'state', 'parked', 'dead'],
    read: ['in', 'half', 'expired', 'state', 'parked'],
  },
  names: { configure: [LEADER], write: [SNAPSHOT], read: [LEADER] },
  management: true,
};
