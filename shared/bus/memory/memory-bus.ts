import type { BindingSpec, Bus, Consumer, Packet, Topology } from '#shared/bus/bus.ts';
import { createMemoryConsumer, createMemorySubscription, type MemoryRegistration } from './consumer.ts';
import { createMemoryCore, type MemoryFaults, type PublishOutcome } from './core.ts';
import { createLink, type InFlight, type Link } from './link.ts';
import { createMemoryPost } from './post.ts';
import { createMemoryPublisher } from './publisher.ts';
import { createMemorySession } from './session.ts';
import { backoffMs } from '#shared/backoff.ts';
import type { Clock } from '#shared/clock.ts';

export type ConnectionKind = 'publish' | 'consume' | 'session';

/** What a queue holds: `ready` from the head, `unacked` with a consumer, the connection of the active consumer first in `consumers`. */
export interface QueueView {
  readonly ready: readonly Packet[];
  readonly unacked: number;
  readonly consumers: number;
}

/** RabbitMQ in memory: what the conformance suite asks of both, and hooks for a simulation. Everything happens through `clock`. */
export interface MemoryBroker {
  /** Makes what is missing; policies of the same name are replaced. Gate bindings only as long as the state queue does not exist. */
  apply(topology: Topology): void;
  /** A connected bus. `name` is what `dropConnection` and the fault hooks know it by. */
  connect(name: string): Bus;
  /**
   * Breaks the connections of that name (of every kind, or of one). Confirms and deliveries under way are lost; what was
   * under way to the broker still arrives unless told otherwise. A bus reconnects by itself, unless `stayDown` until `restore`.
   */
  dropConnection(name: string, options?: DropOptions): void;
  restore(name: string): void;
  /** Stops and starts: every connection breaks, what the queues hold stays. `ring`: keys are hashed in another way afterwards. */
  restart(options?: { readonly ring?: string; readonly inFlight?: InFlight }): void;
  /** What the fault hooks are from now on. */
  inject(faults: MemoryFaults): void;
  /** Publishes at once, without a connection. */
  put(exchange: string, packet: Packet, routingKey?: string): PublishOutcome;
  queue(name: string): QueueView;
  queues(): readonly string[];
  bindings(): readonly BindingSpec[];
  /** Deletes every queue: nothing of it waits for a time to come any more. */
  close(): void;
}

export interface DropOptions {
  readonly kind?: ConnectionKind;
  readonly inFlight?: InFlight;
  readonly stayDown?: boolean;
}

const RECONNECT = { baseMs: 100, capMs: 5000 };
const MAX_OUTSTANDING = 1000;

export function createMemoryBroker({ clock }: { readonly clock: Clock }): MemoryBroker {
  const core = createMemoryCore(clock);
  const links = new Map<Link, { readonly name: string; readonly kind: ConnectionKind }>();
  const down = new Set<string>();
  let channels = 0;

  function open(name: string, kind: ConnectionKind): Link | undefined {
    if (down.has(name)) return undefined;
    const link = createLink(core, name, () => (channels += 1));
    links.set(link, { name, kind });
    link.onDown(() => links.delete(link));
    return link;
  }

  /** A connection that is made again, with backoff, until it is closed. */
  function keepOpen(
    name: string,
    kind: ConnectionKind,
    onLink: (link: Link) => void,
  ): { current(): Link | undefined; close(): void } {
    let link: Link | undefined;
    let closed = false;
    let cancel = (): void => {};
    function attempt(failures: number): void {
      link = open(name, kind);
      if (link === undefined) {
        cancel = clock.after(backoffMs(RECONNECT, failures + 1, clock.random), () => attempt(failures + 1));
        return;
      }
      link.onDown(() => {
        link = undefined;
        if (!closed) cancel = clock.after(backoffMs(RECONNECT, 1, clock.random), () => attempt(1));
      });
      onLink(link);
    }
    attempt(0);
    return {
      current: () => link,
      close() {
        closed = true;
        cancel();
        link?.end('arrives');
      },
    };
  }

  function connect(name: string): Bus {
    const registrations = new Set<MemoryRegistration>();
    const sessions = new Set<Link>();
    const consuming = keepOpen(name, 'consume', (link) => {
      for (const registration of registrations) registration.attach(link);
    });
    const publisher = createMemoryPublisher(core, () => publishing.current(), MAX_OUTSTANDING);
    const publishing = keepOpen(name, 'publish', (link) => publisher.attach(link));

    function register(registration: MemoryRegistration): void {
      registrations.add(registration);
      const link = consuming.current();
      if (link !== undefined) registration.attach(link);
    }

    return {
      publish: publisher.publish,
      async consume(queue, options): Promise<Consumer> {
        const registration = createMemoryConsumer(queue, options, () => registrations.delete(registration));
        register(registration);
        await registration.first.catch((refusal: unknown) => {
          registrations.delete(registration);
          throw refusal;
        });
        return registration.consumer;
      },
      async subscribe(exchange, routingKeys, onPacket) {
        const registration = createMemorySubscription(core, exchange, routingKeys, onPacket, () =>
          registrations.delete(registration),
        );
        register(registration);
        await registration.first;
        return registration.subscription;
      },
      post: (onReturned) => createMemoryPost(core, () => publishing.current(), onReturned),
      session() {
        const link = open(name, 'session');
        if (link === undefined) return Promise.reject(new Error('there is no connection to the broker'));
        sessions.add(link);
        link.onDown(() => sessions.delete(link));
        return Promise.resolve(createMemorySession(core, link));
      },
      get connected() {
        return (
          publishing.current() !== undefined &&
          consuming.current() !== undefined &&
          [...registrations].every(({ active }) => active)
        );
      },
      blocked: undefined,
      async close() {
        await Promise.all([...registrations].map((registration) => registration.close()));
        consuming.close();
        for (const link of sessions) link.end('arrives');
        if (publishing.current() !== undefined) await publisher.idle();
        publishing.close();
      },
    };
  }

  return {
    apply: core.apply,
    connect,
    dropConnection(name, { kind, inFlight = 'arrives', stayDown = false } = {}) {
      if (stayDown) down.add(name);
      for (const [link, of] of links)
        if (of.name === name && (kind === undefined || of.kind === kind)) link.end(inFlight);
    },
    restore(name) {
      down.delete(name);
    },
    restart({ ring, inFlight = 'is-lost' } = {}) {
      for (const link of links.keys()) link.end(inFlight);
      if (ring !== undefined) core.routing.turnRings(ring);
    },
    inject(faults) {
      core.faults = faults;
    },
    put: (exchange, packet, routingKey = '') => core.publish(exchange, routingKey, packet),
    queue(name) {
      const { ready, subscribers } = core.queue(name);
      return {
        ready: ready.map(({ packet }) => packet),
        unacked: subscribers.reduce((sum, { held }) => sum + held, 0),
        consumers: subscribers.length,
      };
    },
    queues: core.queueNames,
    bindings: () => core.routing.bindings(),
    close() {
      for (const name of core.queueNames()) core.deleteQueue(name);
    },
  };
}
