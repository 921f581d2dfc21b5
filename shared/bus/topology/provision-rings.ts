import type { Channel, ChannelModel } from 'amqplib';
import type { BindingSpec, Topology } from '#shared/bus/bus.ts';
import { type Management, ProvisionError } from './management.ts';
import { bindingOf, isAmong, bindingTextOf, type BoundAnswer } from './wiring.ts';
import type { Log } from '#shared/log.ts';

/** A binding with all that it takes to undo it. */
interface Bound extends BindingSpec {
  readonly arguments: object;
}

/** What is to be done about bindings that are not as they should be, and about nothing else. */
export interface RepairPlan {
  /** Hash rings that declaring must leave alone: bound another time, or not now. */
  readonly untouched: ReadonlySet<string>;
  readonly remove: readonly Bound[];
  /** In the order in which it is made. */
  readonly rebuild: readonly BindingSpec[];
}

interface BrokerRing {
  readonly name: string;
  readonly wanted: readonly BindingSpec[];
  readonly bound: readonly Bound[];
  readonly missing: readonly BindingSpec[];
  readonly strays: readonly Bound[];
}

const path = (...parts: readonly string[]): string => `/${parts.map(encodeURIComponent).join('/')}`;
const STAYS =
  'a hash ring is damaged, and mending it moves keys, so it stays until nothing waits: let the services empty the queues of the route (an override `open` stops what comes), then provision again';
const PARTITION = /\.[0-9]{3}$/;

/**
 * Looks at what is bound. The last partitions of a ring are bound again where they were. A ring that lost another one, or has a queue
 * twice or a strange one, is made anew in the order of its names, but only while nothing of its route waits: keys move then. Ways past
 * a gate that are in no topology are removed. Throws where the broker has another number of partitions.
 */
export async function planRepairs(
  api: Management,
  vhost: string,
  topology: Topology,
  fresh: ReadonlySet<string>,
  log: Log,
): Promise<RepairPlan> {
  const all = await bindingsIn(api, vhost);
  const rings = topology.exchanges
    .filter(({ type }) => type === 'x-consistent-hash')
    .map(({ name }) => ringOf(name, topology, all));
  const complete = rings.filter(({ name }) => isComplete(name, topology, fresh));
  await refuseOtherNumbers(api, vhost, rings, complete);
  const untouched = new Set<string>();
  const remove: Bound[] = straysOf(topology, all);
  for (const one of remove) log.warn('a binding that nobody provisioned is removed', { binding: bindingTextOf(one) });
  const rebuild: BindingSpec[] = [];
  for (const ring of complete) {
    const { name, wanted, bound, missing, strays } = ring;
    if (missing.length === 0 && strays.length === 0) continue;
    const differences = [
      ...missing.map((one) => `${bindingTextOf(one)} is missing`),
      ...strays.map((one) => `${bindingTextOf(one)} is too much`),
    ];
    if (strays.length === 0 && isTail(missing, wanted)) {
      log.warn('partitions are bound again where they were: their keys come back to them', { ring: name, differences });
      continue;
    }
    untouched.add(name);
    const waiting = await waitingIn(api, vhost, name, topology);
    if (waiting > 0) {
      log.error(STAYS, { ring: name, differences, waiting });
      continue;
    }
    log.warn(
      'a damaged hash ring is made anew, in order; nothing of its route waits, so no message is handled out of order',
      { ring: name, differences },
    );
    remove.push(...bound);
    rebuild.push(...wanted);
  }
  return { untouched, remove, rebuild };
}

/** Unbinds, then binds one after another. Interrupted, it leaves a ring without its last partitions: the next time they are bound again. */
export async function repair(model: ChannelModel, { remove, rebuild }: RepairPlan, log: Log): Promise<void> {
  if (remove.length + rebuild.length === 0) return;
  const channel = await model.createChannel();
  channel.on('error', () => {});
  const late = new Set<string>();
  // The API, which knows what somebody has in hand, may not know yet of what has just come.
  for (const { destination, source } of rebuild)
    if ((await channel.checkQueue(destination)).messageCount > 0) late.add(source);
  for (const ring of late) log.error(STAYS, { ring });
  for (const one of remove) if (!late.has(one.source)) await unbind(channel, one);
  for (const { destination, source, routingKey } of rebuild)
    if (!late.has(source)) await channel.bindQueue(destination, source, routingKey);
  await channel.close();
}

async function unbind(
  channel: Channel,
  { to, destination, source, routingKey, arguments: args }: Bound,
): Promise<void> {
  if (to === 'queue') await channel.unbindQueue(destination, source, routingKey, args);
  else await channel.unbindExchange(destination, source, routingKey, args);
}

async function bindingsIn(api: Management, vhost: string): Promise<readonly Bound[]> {
  const all = await api.get<readonly BoundAnswer[]>(path('bindings', vhost));
  return (all ?? [])
    .filter(({ source }) => source !== '')
    .map((one) => ({ ...bindingOf(one), arguments: one.arguments ?? {} }));
}

function ringOf(name: string, { bindings }: Topology, all: readonly Bound[]): BrokerRing {
  const wanted = bindings.filter(({ source }) => source === name);
  const bound = all.filter(({ source }) => source === name);
  return {
    name,
    wanted,
    bound,
    missing: wanted.filter((one) => !isAmong(bound, one)),
    strays: bound.filter((one) => !isAmong(wanted, one)),
  };
}

/** Its gate was made once: after everything else. */
function isComplete(ring: string, { gates }: Topology, fresh: ReadonlySet<string>): boolean {
  const gate = gates.find(({ bindings }) => bindings.some(({ destination }) => destination === ring));
  return gate !== undefined && !fresh.has(gate.state);
}

/** The number of partitions never changes: another one would send a key's messages elsewhere than the earlier ones. */
async function refuseOtherNumbers(
  api: Management,
  vhost: string,
  rings: readonly BrokerRing[],
  complete: readonly BrokerRing[],
): Promise<void> {
  for (const { name, bound, wanted, strays } of rings) {
    const route = name.replace(/\.hash$/, '');
    const more = strays.filter(
      ({ destination }) =>
        destination.startsWith(`${route}.`) &&
        PARTITION.test(destination) &&
        !wanted.some((one) => one.destination === destination),
    );
    if (more.length > 0) throw otherNumber(name, bound.length, wanted.length);
  }
  // One ring without its last queues has lost them; all of them were never made for as many.
  const short = complete.filter(({ missing, wanted }) => missing.length > 0 && isTail(missing, wanted));
  const counts = new Set(short.map(({ missing }) => missing.length));
  if (short.length === 0 || short.length < complete.length || counts.size !== 1) return;
  const exist = await Promise.all(
    short
      .flatMap(({ missing }) => missing)
      .map(({ destination }) => api.get(`${path('queues', vhost, destination)}?columns=name`)),
  );
  const [first] = short;
  if (first !== undefined && exist.every((queue) => queue === undefined))
    throw otherNumber(first.name, first.bound.length, first.wanted.length);
}

function otherNumber(ring: string, onBroker: number, wanted: number): ProvisionError {
  return new ProvisionError(
    `${ring} has ${onBroker} partitions on the broker, the route table says ${wanted}: the number never changes. ` +
      "Configure the broker's number, or use another vhost",
  );
}

function isTail(missing: readonly BindingSpec[], wanted: readonly BindingSpec[]): boolean {
  const tail = wanted.slice(wanted.length - missing.length);
  return tail.every((one) => missing.includes(one));
}

/** Bindings of a gate's exchanges, into a ring or into a delay, that are in no topology. Rings themselves are looked at one by one. */
function straysOf({ exchanges, bindings, gates }: Topology, all: readonly Bound[]): Bound[] {
  const rings = new Set(exchanges.filter(({ type }) => type === 'x-consistent-hash').map(({ name }) => name));
  const ofGates = gates.flatMap((gate) => gate.bindings);
  const guarded = new Set(ofGates.flatMap(({ source, destination }) => [source, destination]));
  return all.filter(
    (one) =>
      !rings.has(one.source) &&
      (guarded.has(one.source) || guarded.has(one.destination)) &&
      !isAmong([...bindings, ...ofGates], one),
  );
}

/** Messages in the partitions of a ring and in the delay before it, also those that somebody has in hand; the API lags some seconds. */
async function waitingIn(api: Management, vhost: string, ring: string, { bindings, gates }: Topology): Promise<number> {
  const gate = gates.find((one) => one.bindings.some(({ destination }) => destination === ring));
  const delays = gate?.bindings.filter(({ to }) => to === 'queue').map(({ destination }) => destination) ?? [];
  const queues = bindings.filter(({ source }) => source === ring).map(({ destination }) => destination);
  const counts = await Promise.all(
    [...queues, ...delays].map(async (queue) => {
      const facts = await api.get<{ readonly messages?: number }>(`${path('queues', vhost, queue)}?columns=messages`);
      return facts?.messages ?? 0;
    }),
  );
  return counts.reduce((sum, count) => sum + count, 0);
}
