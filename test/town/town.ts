/** Every resident on its own engine, over the in-memory broker and stores, under the virtual clock. */
import { createOutside, portsOf, type Outside } from './outside.ts';
import { askingThrough, pricingPorts } from './pricing-ports.ts';
import { residents, type Ports } from './residents.ts';
import { createVirtualClock, type VirtualClock } from '#test/support/virtual-clock.ts';
import { routeTable } from '#services/services.ts';
import type { Bus } from '#shared/bus/bus.ts';
import { createMemoryBroker, type MemoryBroker } from '#shared/bus/memory/memory-bus.ts';
import { partitionQueues, questionQueues, topologyOf } from '#shared/bus/topology/topology.ts';
import { bytesOf } from '#shared/entity/document.ts';
import { createEngine } from '#shared/entity/engine.ts';
import type { Entity } from '#shared/entity/entity.ts';
import { limitsFor, type CommittedRuns } from '#shared/entity/options.ts';
import { createMemoryStore, type MemoryStore } from '#shared/entity/stores/memory-store.ts';
import { createFaults } from '#shared/host/faults.ts';
import { createResponder } from '#shared/question/responder.ts';
import { silentLog } from '#shared/log.ts';

const TTL_MS = 10_000;

export interface Home {
  readonly entity: Entity<unknown>;
  readonly store: MemoryStore<unknown>;
  /** What its largest document took when it was written, bytes of JSON. */
  readonly largest: number;
}

export interface Town {
  readonly clock: VirtualClock;
  readonly broker: MemoryBroker;
  readonly outside: Outside;
  /** By service. */
  readonly homes: ReadonlyMap<string, Home>;
  /** What the entity of a service knows of a key. */
  state<State>(service: string, key: string): State | undefined;
  /** As the operators' API does it. */
  fault(service: string, faults: object): Promise<void>;
}

export interface TownOptions {
  readonly seed?: number;
  /** How much later half-open gates deliver, ms. */
  readonly delayMs?: number;
  /** In the place of what every resident gets. */
  readonly ports?: Ports;
  /** Of these services, in the place of their own. */
  readonly entities?: Readonly<Record<string, (ports: Ports) => Entity<unknown>>>;
  /** What the engines publish and consume through, in the place of their connections. */
  readonly through?: (bus: Bus, service: string, broker: MemoryBroker) => Bus;
  /** What a write of so many documents takes, ms of the clock; absent: no time. */
  readonly commitMs?: (documents: number) => number;
  readonly history?: (service: string, commit: CommittedRuns) => void;
}

export async function startTown(options: TownOptions = {}): Promise<Town> {
  const { seed = 1, delayMs = 2000, ports = {}, entities = {}, through = (bus) => bus, commitMs, history } = options;
  const clock = createVirtualClock(seed);
  const broker = createMemoryBroker({ clock });
  broker.apply(topologyOf(routeTable, { ttlMs: TTL_MS, delayMs }, 'town'));
  const outside = createOutside(clock.now);
  const homes = new Map<string, Home>();
  const control = broker.connect('operator');
  const pricing = pricingPorts((service) => homes.get(service)?.store, clock);

  for (const { name, entity: own, answers } of residents) {
    const store = createMemoryStore<unknown>({ now: clock.now });
    const bus = broker.connect(name);
    const around = {
      ...portsOf(outside, store.journal),
      ...pricing,
      ask: askingThrough(through(bus, name, broker), clock),
      ...ports,
    };
    const entity = (entities[name] ?? own)(around);
    const handles = (): readonly string[] => entity.handlers.map(({ type }) => type.name);
    const faults = createFaults(name, { clock, log: silentLog, exit: () => {}, handles });
    await clock.during(faults.listen(bus, async () => {}));
    let largest = 0;
    const engine = createEngine<unknown>({
      entity,
      bus: through(bus, name, broker),
      store: {
        ...store,
        async commit(writes) {
          if (commitMs !== undefined) await clock.sleep(commitMs(writes.length));
          for (const { document } of writes) largest = Math.max(largest, bytesOf(document));
          return store.commit(writes);
        },
      },
      clock,
      log: silentLog,
      queues: partitionQueues(routeTable, entity.route),
      limits: limitsFor(TTL_MS),
      intercept: faults.intercept,
      history: (commit) => history?.(name, commit),
    });
    await clock.during(engine.start());
    const responder = createResponder({
      handlers: answers(around),
      bus: through(bus, name, broker),
      clock,
      log: silentLog,
      stateOf: async (key) => (await store.load([key])).get(key)?.state,
    });
    for (const queue of questionQueues(routeTable, name)) await clock.during(responder.take(queue));
    homes.set(name, {
      entity,
      store,
      get largest() {
        return largest;
      },
    });
  }

  return {
    clock,
    broker,
    outside,
    homes,
    state: <State>(service: string, key: string) =>
      homes.get(service)?.store.documents.get(key)?.state as State | undefined,
    async fault(service, faults) {
      const content = Buffer.from(JSON.stringify({ id: clock.id(), service, faults }));
      await clock.during(control.publish('control', { content, headers: {} }, `faults.${service}`));
      await clock.settle();
    },
  };
}
