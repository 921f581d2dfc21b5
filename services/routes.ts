import type { RouteTable } from '#shared/bus/topology/topology.ts';

/**
 * The one table that provisioning, permissions and the services are made from. A route is a service's command inbox.
 * A new service is a line here; see README, "How to add a service".
 */
export const routeTable: RouteTable = {
  /** Every route has this many partition queues, for ever: another number would move keys between them. */
  partitions: 8,
  routes: ['order', 'payment', 'wallet', 'delivery', 'notify', 'saga'],
  /** An answer that the saga and somebody else need is published once, to both. */
  audiences: { 'order-and-saga': ['order', 'saga'] },
  services: {
    order: { route: 'order', answers: ['saga'] },
    payment: { route: 'payment', answers: ['saga', 'order-and-saga'] },
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

/** Where the answer goes to a command whose answer a route hears beside the saga. */
export function audienceOf(route: string): string {
  return `${route}-and-${SAGA_ROUTE}`;
}
