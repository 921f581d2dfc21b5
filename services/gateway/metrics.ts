import { Counter, type Registry } from 'prom-client';
import type { RefusedBy } from './load-shedding.ts';

/** Requests that were refused for want of a route or of room. */
export function refusalCounter(metrics: Registry): (route: string, by: RefusedBy) => void {
  const counter = new Counter({
    name: 'switchyard_requests_refused_total',
    help: 'Requests answered 503: by the gateway, which knew that the route is open; by the broker, which gave the message back; by load-shedding',
    labelNames: ['route', 'by'],
    registers: [metrics],
  });
  return (route, by) => counter.inc({ route, by });
}
