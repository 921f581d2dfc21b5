import type {
  BindingSpec,
  ExchangeSpec,
  HeaderValue,
  Packet,
  PolicySpec,
  QueueSpec,
  Topology,
} from '#shared/bus/bus.ts';
import { type DeathReason, isCycle, withDeath } from '#shared/bus/deaths.ts';
import { createQueue, type MemoryQueue, type QueueLimits, type Stored } from './queue.ts';
import { createRouting, type Routing } from './routing.ts';
import { BrokerRefusal } from '#shared/bus/broker-refusal.ts';
import { stateQueue } from '#shared/bus/topology/topology.ts';
import type { Clock } from '#shared/clock.ts';

/** What a simulation may do to the broker; every hook is asked each time. */
export interface MemoryFaults {
  /** Extra ms for one step between a client and the broker. Order on a connection is kept. */
  readonly latencyMs?: (connection: string, direction: 'to-broker' | 'to-client') => number;
  /** How many copies of a packet enter the queue; 1 without the hook. */
  readonly copies?: (queue: string, packet: Packet) => number;
  /** True: the broker nacks this publish and keeps nothing of it. */
  readonly refuses?: (exchange: string, packet: Packet) => boolean;
}

export type PublishOutcome = 'confirmed' | 'returned' | 'nacked';

/** The broker without its connections. */
export interface MemoryCore {
  readonly clock: Clock;
  readonly routing: Routing;
  faults: MemoryFaults;
  apply(topology: Topology): void;
  publish(exchange: string, routingKey: string, packet: Packet): PublishOutcome;
  declareExchange(spec: ExchangeSpec): void;
  /** `owner`: the connection, for an exclusive queue. */
  declareQueue(spec: QueueSpec, owner: object): string;
  bind(binding: BindingSpec, make: boolean): void;
  /** Throws `BrokerRefusal` `missing` or, for another connection's exclusive queue, `locked`. */
  queue(name: string, owner?: object): MemoryQueue;
  queueNames(): readonly string[];
  deleteQueue(name: string): void;
  endOwner(owner: object): void;
}

const DEAD_LETTER_RETRY_MS = 3000;

export function createMemoryCore(clock: Clock): MemoryCore {
  const routing = createRouting();
  const queues = new Map<
    string,
    { readonly spec: QueueSpec; readonly queue: MemoryQueue; readonly owner: object | undefined }
  >();
  const limits = new Map<string, QueueLimits>();
  let policies: readonly PolicySpec[] = [];
  let generated = 0;

  function limitsOf(spec: QueueSpec): QueueLimits {
    let known = limits.get(spec.name);
    if (known === undefined) {
      known = effectiveLimits(spec, policies);
      limits.set(spec.name, known);
    }
    return known;
  }

  /** The targets that are full and refused it. */
  function deliver(
    packet: Packet,
    exchange: string,
    routingKey: string,
    targets: readonly string[],
  ): readonly string[] {
    const refused: string[] = [];
    for (const target of targets) {
      const entry = queues.get(target);
      if (entry === undefined) continue;
      let taken = true;
      for (let copies = core.faults.copies?.(target, packet) ?? 1; copies > 0; copies -= 1)
        taken = entry.queue.enqueue(packet, exchange, routingKey) && taken;
      if (!taken) refused.push(target);
    }
    return refused;
  }

  function bury(spec: QueueSpec, item: Stored, reason: DeathReason): void {
    const exchange = spec.arguments['x-dead-letter-exchange'];
    if (typeof exchange !== 'string') return;
    const key = spec.arguments['x-dead-letter-routing-key'];
    const routingKey = typeof key === 'string' ? key : item.routingKey;
    const packet = withDeath(item.packet, { queue: spec.name, reason }, item, Math.floor(clock.now() / 1000));
    const atLeastOnce = spec.arguments['x-dead-letter-strategy'] === 'at-least-once';
    const attempt = (left: readonly string[] | undefined): void => {
      const routed = left ?? routing.route(exchange, routingKey, packet.headers);
      const targets = routed.filter((target) => !isCycle(item.packet.headers, target, reason));
      const refused = deliver(packet, exchange, routingKey, targets);
      if (atLeastOnce && (refused.length > 0 || routed.length === 0)) {
        clock.after(DEAD_LETTER_RETRY_MS, () => attempt(routed.length === 0 ? undefined : refused));
      }
    };
    attempt(undefined);
  }

  function find(name: string, owner: object | undefined): MemoryQueue {
    const entry = queues.get(name);
    if (entry === undefined) throw new BrokerRefusal('missing', `no queue ${name}`);
    if (entry.owner !== undefined && entry.owner !== owner)
      throw new BrokerRefusal('locked', `queue ${name} is another connection's`);
    return entry.queue;
  }

  function requireExchange(name: string): void {
    if (!routing.has(name)) throw new BrokerRefusal('missing', `no exchange ${name}`);
  }

  const core: MemoryCore = {
    clock,
    routing,
    faults: {},
    apply(topology) {
      limits.clear();
      const replaced = new Set(topology.policies.map(({ name }) => name));
      policies = [...policies.filter(({ name }) => !replaced.has(name)), ...topology.policies];
      for (const spec of topology.exchanges) core.declareExchange(spec);
      for (const spec of topology.queues) core.declareQueue(spec, core);
      for (const binding of topology.bindings) core.bind(binding, true);
      for (const { bindings, state } of topology.gates) {
        if (queues.has(state)) continue;
        for (const binding of bindings) core.bind(binding, true);
        const one = stateQueue(state);
        core.declareQueue(one.queue, core);
        core.bind(one.binding, true);
      }
    },
    publish(exchange, routingKey, packet) {
      if (core.faults.refuses?.(exchange, packet)) return 'nacked';
      const targets = routing.route(exchange, routingKey, packet.headers);
      if (targets.length === 0) return 'returned';
      return deliver(packet, exchange, routingKey, targets).length === 0 ? 'confirmed' : 'nacked';
    },
    declareExchange(spec) {
      if (routing.declare(spec) === 'mismatch')
        throw new BrokerRefusal('mismatch', `exchange ${spec.name} exists with other arguments`);
    },
    declareQueue(given, owner) {
      generated += given.name === '' ? 1 : 0;
      const spec = given.name === '' ? { ...given, name: `amq.gen-${generated}` } : given;
      const known = queues.get(spec.name);
      if (known !== undefined) {
        find(spec.name, owner);
        if (JSON.stringify(known.spec) !== JSON.stringify(spec))
          throw new BrokerRefusal('mismatch', `queue ${spec.name} exists with other arguments`);
        return spec.name;
      }
      const queue = createQueue(
        spec.name,
        clock,
        () => limitsOf(spec),
        (item, reason) => bury(spec, item, reason),
      );
      queues.set(spec.name, { spec, queue, owner: spec.exclusive ? owner : undefined });
      return spec.name;
    },
    bind(binding, make) {
      requireExchange(binding.source);
      if (binding.to === 'exchange') requireExchange(binding.destination);
      else if (!queues.has(binding.destination)) throw new BrokerRefusal('missing', `no queue ${binding.destination}`);
      if (make) routing.bind(binding);
      else routing.unbind(binding);
    },
    queue: find,
    queueNames: () => [...queues.keys()],
    deleteQueue(name) {
      queues.get(name)?.queue.end();
      queues.delete(name);
      limits.delete(name);
      routing.unbindQueue(name);
    },
    endOwner(owner) {
      for (const [name, entry] of queues) if (entry.owner === owner) core.deleteQueue(name);
    },
  };
  return core;
}

function effectiveLimits(spec: QueueSpec, policies: readonly PolicySpec[]): QueueLimits {
  const policy = policies
    .filter(({ pattern }) => new RegExp(pattern).test(spec.name))
    .toSorted((a, b) => b.priority - a.priority)[0]?.definition;
  const lower = (name: string): number | undefined => {
    const both = [spec.arguments[`x-${name}`], policy?.[name]].filter(
      (value: HeaderValue | undefined) => typeof value === 'number',
    );
    return both.length === 0 ? undefined : Math.min(...both);
  };
  return {
    ttlMs: lower('message-ttl'),
    deliveryLimit: lower('delivery-limit'),
    maxLength: lower('max-length'),
    rejectsWhenFull: (policy?.['overflow'] ?? spec.arguments['x-overflow']) === 'reject-publish',
    singleActive: spec.arguments['x-single-active-consumer'] === true,
  };
}
