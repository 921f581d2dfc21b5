import type { BindingSpec } from '#shared/bus/bus.ts';
import { askedRoutes } from './asked-routes.ts';
import type { Management } from './management.ts';
import {
  ask,
  asked,
  bindingsOfTable,
  dead,
  delay,
  expired,
  gate,
  half,
  hash,
  inbox,
  parked,
  partitionQueues,
  questionGate,
  questionQueues,
  type RouteTable,
  state,
  sameName,
} from './topology.ts';

/** How one route is bound on the broker, compared with how it should be. */
export interface Wiring {
  /** The two bindings of its gate, which are the breaker's. */
  readonly direct: boolean;
  readonly delayed: boolean;
  /** The gate of its questions; absent: it answers none. */
  readonly questions?: boolean;
  /** What is always bound, and is not: partitions to the ring, queues to the exchange of their name, news. */
  readonly missing: readonly BindingSpec[];
  /** Queues that are gone, where the default exchange's bindings are told. */
  readonly lost: readonly string[];
  /** The gate cannot be bound: what it leads to is gone. */
  readonly unbindable: boolean;
  /** Ways past the gate or into the ring that nobody provisioned: also a queue that is bound twice. */
  readonly strays: readonly BindingSpec[];
}

/** A binding as the management API tells it. */
export interface BoundAnswer {
  readonly source: string;
  readonly destination: string;
  readonly destination_type: string;
  readonly routing_key: string;
  readonly arguments?: object;
}

const COLUMNS = 'source,destination,destination_type,routing_key';

/** Everything that is bound in a vhost, to the default exchange too: so each queue is told. One request, without the delay of the API's statistics. */
export async function readBindings(api: Pick<Management, 'get'>, vhost: string): Promise<readonly BindingSpec[]> {
  const all = await api.get<readonly BoundAnswer[]>(`/bindings/${encodeURIComponent(vhost)}?columns=${COLUMNS}`);
  return (all ?? []).map(bindingOf);
}

export function bindingOf({
  source,
  destination,
  destination_type: type,
  routing_key: routingKey,
}: BoundAnswer): BindingSpec {
  return { source, destination, to: type === 'exchange' ? 'exchange' : 'queue', routingKey };
}

export function wiringOf(table: RouteTable, route: string, bound: readonly BindingSpec[]): Wiring {
  const { direct, delayed } = gate(route);
  const guarded = new Set(guardedOf(route));
  const elsewhere = new Set(table.routes.filter((one) => one !== route).flatMap(guardedOf));
  const partitions = partitionQueues(table, route);
  const questions = questionQueues(table, route);
  const entries = new Set([hash(route), asked(route), delay(route), ...partitions, ...questions]);
  const isOurs = ({ source, destination }: BindingSpec): boolean =>
    guarded.has(source) || (source !== '' && entries.has(destination) && !elsewhere.has(source));
  const wanted = [...bindingsOfTable(table), ...table.routes.map((one) => sameName(state(one)))];
  const gates = [...table.routes.flatMap((one) => Object.values(gate(one))), ...askedRoutes(table).map(questionGate)];
  const queues = new Set(bound.filter(({ source }) => source === '').map(({ destination }) => destination));
  const needed = [...partitions, ...questions, ...[delay, expired, parked, dead, state].map((name) => name(route))];
  const lost = queues.size === 0 ? [] : needed.filter((name) => !queues.has(name));
  const missing = wanted.filter((one) => belongsTo(route, one) && !isAmong(bound, one));
  const isGone = (ring: string): boolean =>
    missing.filter(({ source }) => source === ring).length === partitions.length;
  return {
    direct: isAmong(bound, direct),
    delayed: isAmong(bound, delayed),
    ...(questions.length > 0 && { questions: isAmong(bound, questionGate(route)) }),
    missing,
    lost,
    unbindable: lost.includes(delay(route)) || isGone(hash(route)) || (questions.length > 0 && isGone(asked(route))),
    strays: bound.filter((one) => isOurs(one) && !isAmong(wanted, one) && !isAmong(gates, one)),
  };
}

const guardedOf = (route: string): readonly string[] => [
  inbox(route),
  half(route),
  hash(route),
  ask(route),
  asked(route),
];

/** For a person. */
export function bindingTextOf({ source, destination, routingKey }: BindingSpec): string {
  return `${source} -> ${destination}${routingKey === '' || routingKey === '1' ? '' : ` (${routingKey})`}`;
}

export function isAmong(bindings: readonly BindingSpec[], one: BindingSpec): boolean {
  return bindings.some((other) => isSame(one, other));
}

function isSame(a: BindingSpec, b: BindingSpec): boolean {
  return a.source === b.source && a.destination === b.destination && a.to === b.to && a.routingKey === b.routingKey;
}

/** News belong to the route that hears them. */
function belongsTo(route: string, { source, destination }: BindingSpec): boolean {
  return source.startsWith(`${route}.`) || destination === hash(route);
}
