import type {
  BindingSpec,
  ExchangeSpec,
  GateSpec,
  HeaderTable,
  PolicySpec,
  QueueSpec,
  Topology,
} from '#shared/bus/bus.ts';
import { askedRoutes } from './asked-routes.ts';
import { checkTable } from './check-table.ts';
import { userOf } from './rights.ts';
import type { RouteTable, Timing, Timings } from './route-table.ts';

export type { Externals, RouteTable, ServiceRights, Timing, Timings } from './route-table.ts';
export type { Topology };

/** Topic: news, routing key = the event's name. */
export const EVENTS = 'events';
/** Topic: `faults.<service>` and `faults-applied` (fault injection), `<subject>.request` and `<subject>.reply`, `<service>.peer.<name>`. */
export const CONTROL = 'control';
/** Routing key on `control` of what the parts of a service tell one of them. */
export const peerKey = (service: string, name: string): string => `${service}.peer.${name}`;
/** Topic: what the workers of a service tell each other, and gateways; routing key = the service's name. */
export const WORKERS = 'workers';
/** Fanout: the breaker's state, for gateways. */
export const SNAPSHOT = 'breaker.snapshot';

/** Direct: answers to questions; routing key = the asker. */
export const ANSWERS = 'answers';

/** Where commands are published: refused by the broker while the route is open. */
export const inbox = (route: string): string => `${route}.in`;
export const half = (route: string): string => `${route}.half`;
/** Where answers, undo commands and `wake` are published: past the gate. */
export const hash = (route: string): string => `${route}.hash`;
export const delay = (route: string): string => `${route}.delay`;
export const expired = (route: string): string => `${route}.expired`;
export const parked = (route: string): string => `${route}.parked`;
export const dead = (route: string): string => `${route}.dead`;
export const state = (route: string): string => `${route}.state`;
/** Zero-padded: the broker rebuilds the hash ring from the bindings sorted as text. */
export const partition = (route: string, index: number): string => `${route}.${String(index).padStart(3, '0')}`;

/** Where questions are published: refused by the broker while the route is open. */
export const ask = (route: string): string => `${route}.ask`;
/** The hash ring of questions: a key has the same partition index as on `hash`. */
export const asked = (route: string): string => `${route}.asked`;
/** Where the questions of a partition queue's keys wait. */
export const questionQueueOf = (queue: string): string => `${queue.slice(0, -4)}.ask${queue.slice(-4)}`;

export function questionQueues(table: RouteTable, route: string): readonly string[] {
  return askedRoutes(table).includes(route) ? partitionQueues(table, route).map(questionQueueOf) : [];
}

export function partitionQueues(table: RouteTable, route: string): readonly string[] {
  return Array.from({ length: table.partitions }, (_, index) => partition(route, index));
}

/** The two bindings of a route's gate. Closed: both; half-open: only `delayed`; open: none. */
export function gate(route: string): { readonly direct: BindingSpec; readonly delayed: BindingSpec } {
  return {
    direct: { source: inbox(route), destination: hash(route), to: 'exchange', routingKey: '' },
    delayed: { source: half(route), destination: delay(route), to: 'queue', routingKey: '' },
  };
}

/** The gate of the questions to a route that answers any: bound unless the route is open. A question that waits is late, so none is delayed. */
export function questionGate(route: string): BindingSpec {
  return { source: ask(route), destination: asked(route), to: 'exchange', routingKey: '' };
}

/** Everything that must exist on the broker for this table. Throws `TypeError` for a table that cannot be provisioned. */
export function topologyOf(table: RouteTable, timings: Timings, vhost: string): Topology {
  const timingOf = typeof timings === 'function' ? timings : () => timings;
  checkTable(table, timingOf);
  const { routes } = table;
  const answering = askedRoutes(table);
  return {
    exchanges: [
      ...routes.flatMap(exchangesOf),
      ...answering.flatMap(questionExchangesOf),
      ...Object.keys(audiencesOf(table)).map((name) => fanout(hash(name))),
      ...broadcasts,
    ],
    queues: routes.flatMap((route) => queuesOf(table, route)),
    bindings: bindingsOfTable(table),
    gates: routes.map((route) => gateOf(route, answering.includes(route))),
    policies: [
      ...routes.flatMap((route) => policiesOf(route, timingOf(route))),
      ...answering.map((route) => questionPolicyOf(route, timingOf(route))),
      keptPolicy(routes),
    ],
    users: Object.entries(table.services).map(([service, rights]) => userOf(vhost, service, rights, routes)),
  };
}

/** What is bound whatever the gates do, the state queues' bindings excepted; in the order in which it must be made. */
export function bindingsOfTable(table: RouteTable): readonly BindingSpec[] {
  const ofRoutes = table.routes.flatMap((route) => bindingsOf(table, route));
  return [...ofRoutes, ...audienceBindingsOf(table), ...subscriptionsOf(table)];
}

const fanout = (name: string, args: HeaderTable = {}): ExchangeSpec => ({ name, type: 'fanout', arguments: args });

const broadcasts: readonly ExchangeSpec[] = [
  { name: EVENTS, type: 'topic', arguments: {} },
  { name: CONTROL, type: 'topic', arguments: {} },
  { name: WORKERS, type: 'topic', arguments: {} },
  fanout(SNAPSHOT),
  { name: ANSWERS, type: 'direct', arguments: {} },
];

function exchangesOf(route: string): readonly ExchangeSpec[] {
  return [
    fanout(half(route)),
    fanout(inbox(route), { 'alternate-exchange': half(route) }),
    ring(hash(route)),
    ...[expired, parked, dead, state].map((name) => fanout(name(route))),
  ];
}

const ring = (name: string): ExchangeSpec => ({ name, type: 'x-consistent-hash', arguments: { 'hash-header': 'key' } });

function questionExchangesOf(route: string): readonly ExchangeSpec[] {
  return [fanout(ask(route)), ring(asked(route))];
}

/** Retained and retried until the target took it: an expired message is never lost (quorum queues; needs reject-publish). */
const deadLetterTo = (exchange: string): HeaderTable => ({
  'x-dead-letter-exchange': exchange,
  'x-dead-letter-strategy': 'at-least-once',
  'x-overflow': 'reject-publish',
});

const quorum = (name: string, args: HeaderTable = {}): QueueSpec => ({ name, type: 'quorum', arguments: args });

/** What is in it is transient: nothing of it is written to disc, and a restart of the broker empties it. */
function questionQueue(name: string, route: string): QueueSpec {
  const args = { 'x-single-active-consumer': true, 'x-dead-letter-exchange': expired(route) };
  return { name, type: 'classic', arguments: args };
}

function queuesOf(table: RouteTable, route: string): readonly QueueSpec[] {
  return [
    ...[expired, parked, dead].map((name) => quorum(name(route))),
    ...partitionQueues(table, route).map((name) =>
      quorum(name, { 'x-single-active-consumer': true, ...deadLetterTo(expired(route)) }),
    ),
    quorum(delay(route), deadLetterTo(hash(route))),
    ...questionQueues(table, route).map((name) => questionQueue(name, route)),
  ];
}

function bindingsOf(table: RouteTable, route: string): readonly BindingSpec[] {
  return [
    ...[expired, parked, dead].map((name) => sameName(name(route))),
    ...partitionQueues(table, route).map((name) => inRing(hash(route), name)),
    ...questionQueues(table, route).map((name) => inRing(asked(route), name)),
  ];
}

const inRing = (source: string, destination: string): BindingSpec => ({
  source,
  destination,
  to: 'queue',
  routingKey: '1',
});

export function sameName(name: string): BindingSpec {
  return { source: name, destination: name, to: 'queue', routingKey: '' };
}

const audiencesOf = ({ audiences = {} }: RouteTable): NonNullable<RouteTable['audiences']> => audiences;

const into = (route: string, source: string, routingKey = ''): BindingSpec => ({
  source,
  destination: hash(route),
  to: 'exchange',
  routingKey,
});

function audienceBindingsOf(table: RouteTable): readonly BindingSpec[] {
  return Object.entries(audiencesOf(table)).flatMap(([name, routes]) => routes.map((route) => into(route, hash(name))));
}

function subscriptionsOf(table: RouteTable): readonly BindingSpec[] {
  return Object.values(table.services).flatMap(({ route, hears }) =>
    route === undefined ? [] : (hears ?? []).map((routingKey) => into(route, EVENTS, routingKey)),
  );
}

function gateOf(route: string, isAsked: boolean): GateSpec {
  const { direct, delayed } = gate(route);
  return { bindings: [direct, delayed, ...(isAsked ? [questionGate(route)] : [])], state: state(route) };
}

/** The queue that holds exactly one message: a publish replaces it. Bound to the fanout exchange of its name. */
export function stateQueue(name: string): { readonly queue: QueueSpec; readonly binding: BindingSpec } {
  return { queue: quorum(name, { 'x-max-length': 1, 'x-overflow': 'drop-head' }), binding: sameName(name) };
}

/** How often a message may come back from lost consumers before it goes to `.expired`: ends a message that kills its consumer. */
const PARTITION_DELIVERY_LIMIT = 100;
/** As good as none, however often it is listed; RabbitMQ 3.10 refuses -1 and 4.x has 20 by default. */
const NO_DELIVERY_LIMIT = 1_000_000_000;

const POLICY_PRIORITY = 20;

/** One policy counts for a queue; none names `overflow`, which would override the argument and end at-least-once dead-lettering. */
function policiesOf(route: string, timing: Timing): readonly PolicySpec[] {
  return [
    {
      name: `${route}.partitions`,
      pattern: `^${route}\\.[0-9]{3}$`,
      priority: POLICY_PRIORITY,
      definition: { 'message-ttl': timing.ttlMs, 'delivery-limit': PARTITION_DELIVERY_LIMIT },
    },
    {
      name: `${route}.delay`,
      pattern: `^${route}\\.delay$`,
      priority: POLICY_PRIORITY,
      definition: { 'message-ttl': timing.delayMs, 'delivery-limit': NO_DELIVERY_LIMIT },
    },
  ];
}

/** Half of what a command may wait: a restart of the only worker expires no question, and none outlives its asker for long. */
export function questionTtlMs({ ttlMs }: Pick<Timing, 'ttlMs'>): number {
  return Math.ceil(ttlMs / 2);
}

function questionPolicyOf(route: string, timing: Timing): PolicySpec {
  return {
    name: `${route}.questions`,
    pattern: `^${route}\\.ask\\.[0-9]{3}$`,
    priority: POLICY_PRIORITY,
    definition: { 'message-ttl': questionTtlMs(timing) },
  };
}

function keptPolicy(routes: readonly string[]): PolicySpec {
  return {
    name: 'kept',
    pattern: `^(${routes.join('|')})\\.(expired|parked|dead|state)$`,
    priority: POLICY_PRIORITY,
    definition: { 'delivery-limit': NO_DELIVERY_LIMIT },
  };
}
