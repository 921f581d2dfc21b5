import type { RouteTable } from '#shared/bus/topology/topology.ts';

/** Two routes, a door and the breaker. */
export const smallTable: RouteTable = {
  partitions: 3,
  routes: ['order', 'wallet'],
  services: {
    order: { route: 'order', commands: ['wallet'], answers: ['wallet'], hears: ['wallet.*'] },
    wallet: { route: 'wallet', answers: ['order'] },
    gateway: {
      commands: ['order'],
      asks: ['breaker', 'dead-letters'],
      injectsFaults: true,
      watchesWorkers: true,
      names: { read: ['breaker.snapshot'] },
    },
    'circuit-breaker': {
      answersAbout: 'breaker',
      everyRoute: {
        write: ['hash', 'delay', 'state', 'parked', 'dead'],
        read: ['in', 'half', 'expired', 'state', 'parked'],
      },
      names: { configure: ['breaker.leader'], write: ['breaker.snapshot'], read: ['breaker.leader'] },
      management: true,
    },
  },
};

export const smallTiming = { ttlMs: 60_000, delayMs: 300 };
