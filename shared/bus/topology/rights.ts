import type { UserSpec } from '#shared/bus/bus.ts';
import type { MayPublish } from '#shared/bus/amqp/publisher.ts';
import type { RouteTable, ServiceRights } from './topology.ts';

/**
 * The least that a service needs. Nobody but the breaker may read `<route>.in` and `.half`, so that nobody else can
 * bind the gate; nobody may write to the default exchange, and configure stops at private queues.
 */
export function userOf(vhost: string, service: string, rights: ServiceRights, routes: readonly string[]): UserSpec {
  const own = rights.route;
  const write = new Set<string>(['control', 'amq\\.gen-.*']);
  const read = new Set<string>(['control', 'amq\\.gen-.*']);
  const configure = new Set<string>(['amq\\.gen-.*']);
  for (const route of rights.commands ?? []) write.add(`${route}\\.(in|hash)`);
  for (const route of rights.answers ?? []) write.add(`${route}\\.hash`);
  if (own !== undefined) {
    write.add(`${own}\\.(hash|dead)`).add('events').add('workers');
    read.add(`${own}\\.[0-9]{3}`).add('workers');
  } else if (!rights.breaker && !rights.deadLetters) {
    read.add('breaker\\.snapshot');
  }
  if (rights.controls) read.add('workers');
  if (rights.breaker) {
    const any = `(${routes.join('|')})`;
    configure.add('breaker\\.leader');
    write.add(`${any}\\.(hash|delay|state|parked|dead)`).add('breaker\\.snapshot');
    read.add(`${any}\\.(in|half|expired|state|parked)`).add('breaker\\.leader');
  }
  if (rights.deadLetters) {
    const any = `(${routes.join('|')})`;
    write.add(`${any}\\.(in|hash)`);
    read.add(`${any}\\.dead`);
  }
  return {
    name: `${vhost}.${service}`,
    service,
    tags: rights.breaker ? ['management'] : [],
    configure: oneOf(configure),
    write: oneOf(write),
    read: oneOf(read),
    topics: [
      { exchange: 'events', write: own === undefined ? '^$' : `^${own}\\.`, read: '^$' },
      {
        exchange: 'control',
        ...controlRights(service, rights),
      },
      { exchange: 'workers', ...workersRights(service, rights) },
    ],
  };
}

/** Whether the broker lets a service publish to an exchange with a routing key, by what provisioning gives its user. */
export function publishRightOf(table: Pick<RouteTable, 'routes' | 'services'>, service: string): MayPublish {
  const rights = table.services[service];
  if (rights === undefined) return () => false;
  const { write, topics } = userOf('', service, rights, table.routes);
  const pattern = new RegExp(write);
  const ofTopic = new Map(topics.map((topic) => [topic.exchange, new RegExp(topic.write)]));
  const known = new Map<string, boolean>();
  return (exchange, routingKey) => {
    let may = known.get(exchange);
    if (may === undefined) {
      may = pattern.test(exchange);
      // Names that others choose must not pile up here.
      if (may) known.set(exchange, may);
    }
    return may && (ofTopic.get(exchange)?.test(routingKey) ?? true);
  };
}

function controlRights(service: string, rights: ServiceRights): { readonly write: string; readonly read: string } {
  if (rights.controls)
    return {
      write: '^(faults\\..+|(breaker|dead-letters)\\.request)$',
      read: '^(faults-applied|(breaker|dead-letters)\\.reply)$',
    };
  const asked = rights.breaker ? 'breaker' : rights.deadLetters ? 'dead-letters' : undefined;
  if (asked !== undefined)
    return { write: `^(faults-applied|${asked}\\.reply)$`, read: `^(faults\\.${service}|${asked}\\.request)$` };
  return { write: '^faults-applied$', read: `^faults\\.${service}$` };
}

/** Workers speak only for their own service, and hear only it. */
function workersRights(service: string, rights: ServiceRights): { readonly write: string; readonly read: string } {
  const own = rights.route === undefined ? '^$' : `^${service}$`;
  return { write: own, read: rights.controls ? '.*' : own };
}

const oneOf = (expressions: ReadonlySet<string>): string => `^(${[...expressions].toSorted().join('|')})$`;
