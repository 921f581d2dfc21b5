import { routeTable } from '#services/routes.ts';

/** Every service that is a process of its own. */
export const serviceNames: readonly string[] = Object.keys(routeTable.services);
