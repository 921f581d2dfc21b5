import type { UserSpec } from '#shared/bus/bus.ts';
import type { MayPublish } from '#shared/bus/amqp/publisher.ts';
import type { RouteTable, ServiceRights } from './route-table.ts';

/**
 * The least that a service needs, as regular expressions over names. Nobody may write to the default exchange, and configure stops
 * at private queues and names of the service's own. Who may not read `<route>.in` and `.half` cannot bind the gate.
 */
export function userOf(vhost: string, service: string, rights: ServiceRights, routes: readonly string[]): UserSpec {
  const { route: own, names = {}, everyRoute = {}, commands = [], answers = [], questions = [] } = rights;
  if (rights.external) return externalUserOf(vhost, service, commands);
  const ends = (of: readonly string[]): readonly string[] =>
    of.length === 0 ? [] : [`(${routes.join('|')})\\.(${of.join('|')})`];
  const consumes = own !== undefined;
  const write = [
    'control',
    PRIVATE,
    ...commands.map((route) => `${route}\\.(in|hash)`),
    ...answers.map((name) => `${name}\\.hash`),
    ...(consumes ? [`${own}\\.(hash|dead)`, 'events', 'workers'] : []),
    ...questions.map((route) => `${route}\\.ask`),
    ...(rights.answersQuestions ? ['answers'] : []),
    ...ends(everyRoute.write ?? []),
    ...(names.write ?? []).map(escaped),
  ];
  const read = [
    'control',
    PRIVATE,
    ...(consumes ? [`${own}\\.[0-9]{3}`] : []),
    ...(consumes && rights.answersQuestions ? [`${own}\\.ask\\.[0-9]{3}`] : []),
    ...(questions.length > 0 ? ['answers'] : []),
    ...(consumes || rights.watchesWorkers ? ['workers'] : []),
    ...ends(everyRoute.read ?? []),
    ...(names.read ?? []).map(escaped),
  ];
  return {
    name: `${vhost}.${service}`,
    service,
    tags: rights.management ? ['management'] : [],
    configure: oneOf([PRIVATE, ...(names.configure ?? []).map(escaped)]),
    write: oneOf(write),
    read: oneOf(read),
    topics: [
      { exchange: 'events', write: consumes ? `^${own}\\.` : '^$', read: '^$' },
      { exchange: 'control', ...controlRights(service, rights) },
      { exchange: 'workers', ...workersRights(service, rights) },
    ],
  };
}

/** It needs no queue of its own: what the broker gives back comes on the publishing channel. */
function externalUserOf(vhost: string, service: string, commands: readonly string[]): UserSpec {
  const write = oneOf(commands.map((route) => `${route}\\.in`));
  return { name: `${vhost}.${service}`, service, tags: [], configure: '^$', write, read: '^$', topics: [] };
}

/** Queues that the broker names for one connection. */
const PRIVATE = 'amq\\.gen-.*';
const escaped = (name: string): string => name.replaceAll('.', '\\.');

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

function controlRights(
  service: string,
  { asks = [], answersAbout: about, hasPeers, injectsFaults }: ServiceRights,
): { readonly write: string; readonly read: string } {
  const faults = injectsFaults ? ['faults\\..+', 'faults-applied'] : ['faults-applied', `faults\\.${service}`];
  const of = (kind: string, subjects: readonly string[]): readonly string[] =>
    subjects.map((subject) => `${subject}\\.${kind}`);
  const asked = about === undefined ? [] : [about];
  const peers = hasPeers ? [`${service}\\.peer\\..+`] : [];
  return {
    write: oneOf([faults[0]!, ...of('request', asks), ...of('reply', asked), ...peers]),
    read: oneOf([faults[1]!, ...of('reply', asks), ...of('request', asked), ...peers]),
  };
}

/** Workers speak only for their own service, and hear only it. */
function workersRights(
  service: string,
  { route, watchesWorkers }: ServiceRights,
): { readonly write: string; readonly read: string } {
  const own = route === undefined ? '^$' : `^${service}$`;
  return { write: own, read: watchesWorkers ? '.*' : own };
}

const oneOf = (expressions: readonly string[]): string => `^(${[...new Set(expressions)].toSorted().join('|')})$`;
