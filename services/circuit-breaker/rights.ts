import { SNAPSHOT, type ServiceRights } from '#shared/bus/topology/topology.ts';

/** Exclusive queue: the process that holds it is the one that acts. */
export const LEADER = 'breaker.leader';

/** Nobody else may read `<route>.in`, `.half` and `.ask`, so that nobody else can bind the gate. */
export const breakerRights: ServiceRights = {
  answersAbout: 'breaker',
  everyRoute: {
    write: ['hash', 'asked', 'delay', 'state', 'parked', 'dead'],
    read: ['in', 'half', 'ask', 'expired', 'state', 'parked'],
  },
  names: { configure: [LEADER], write: [SNAPSHOT], read: [LEADER] },
  management: true,
};
