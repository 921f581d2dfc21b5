import { Counter, Gauge, Registry, collectDefaultMetrics } from 'prom-client';
import type { EngineMeter } from '#shared/entity/options.ts';

/** Of the process: watched once, however many services it runs. */
let ofProcess: Registry | undefined;

/** How often the event loop is asked for its lag, ms: each time wakes a process that would sleep. */
const LAG_EVERY_MS = 100;

/** One service's metrics, with those of the process that it runs in. */
export function createRegistry(service: string): Registry {
  const registry = new Registry();
  registry.setDefaultLabels({ service });
  if (ofProcess === undefined) {
    ofProcess = new Registry();
    collectDefaultMetrics({ register: ofProcess, eventLoopMonitoringPrecision: LAG_EVERY_MS });
  }
  for (const metric of ofProcess.getMetricsAsArray()) registry.registerMetric(metric as never);
  return registry;
}

/** The engine's counters, by message type. */
export function engineMeter(registry: Registry): EngineMeter {
  const byType = (name: string, help: string) =>
    new Counter({ name, help, labelNames: ['type'], registers: [registry] });
  const handled = byType('switchyard_messages_handled_total', 'Messages applied to an entity');
  const retried = byType('switchyard_handler_failures_total', 'Handler runs that failed');
  const died = byType('switchyard_dead_letters_total', 'Messages given up');
  const documents = new Counter({
    name: 'switchyard_documents_committed_total',
    help: 'Documents written',
    registers: [registry],
  });
  const commits = new Counter({ name: 'switchyard_commits_total', help: 'Bulk writes', registers: [registry] });
  const lost = new Counter({
    name: 'switchyard_commits_lost_total',
    help: 'Documents whose write lost a race',
    registers: [registry],
  });
  const moved = new Counter({
    name: 'switchyard_keys_moved_total',
    help: 'Messages that came by another partition than those of their key before: the hash ring of the broker changed',
    registers: [registry],
  });
  return {
    moved: () => moved.inc(),
    handled: (type) => handled.inc({ type }),
    retried: (type) => retried.inc({ type }),
    died: (type) => died.inc({ type }),
    committed(written, races) {
      commits.inc();
      documents.inc(written);
      lost.inc(races);
    },
  };
}

/** Counts what open routes gave back, by the exchange that it was published to. */
export function refusalMeter(registry: Registry): (exchange: string) => void {
  const refused = new Counter({
    name: 'switchyard_publishes_refused_total',
    help: 'Messages given back because the route was open',
    labelNames: ['exchange'],
    registers: [registry],
  });
  return (exchange) => refused.inc({ exchange });
}

/** Counts what moved to the archive. */
export function archiveMeter(registry: Registry, collection: string): (count: number) => void {
  const archived = new Counter({
    name: 'switchyard_documents_archived_total',
    help: 'Documents that moved to the archive',
    labelNames: ['collection'],
    registers: [registry],
  });
  return (count) => archived.inc({ collection }, count);
}

/** A gauge that is read when it is scraped. */
export function gauge(registry: Registry, name: string, help: string, read: () => number): void {
  new Gauge({
    name,
    help,
    registers: [registry],
    collect() {
      this.set(read());
    },
  });
}
