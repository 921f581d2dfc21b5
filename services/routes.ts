import type { RouteTable } from '#shared/bus/topology.ts';

/**
 * The one table that provisioning, permissions and the services are made from. A route is a service's command inbox.
 * A new service is a line here; see README, "How to add a service".
 */
export const routeTable: RouteTable = {
  /** Every route has this many partition queues, for ever: another number would move keys between them. */
  partitions: 8,
  routes: ['order', 'payment', 'wallet', 'delivery', 'notify', 'saga'],
  services: {
    order: { route: 'order', answers: ['saga'] },
    payment: { route: 'payment', answers: ['saga'] },
    wallet: { route: 'wallet', answers: ['saga'] },
    delivery: { route: 'delivery', answers: ['saga'] },
    notify: { route: 'notify', answers: ['saga'] },
    saga: { route: 'saga', commands: ['order', 'payment', 'wallet', 'delivery', 'notify'] },
    gateway: { commands: ['order', 'saga', 'wallet'], controls: true },
    'circuit-breaker': { breaker: true },
    'dead-letters': { deadLetters: true },
  },
};

/** Where the answers of an order's steps go. */
export const SAGA_ROUTE = 'saga';
