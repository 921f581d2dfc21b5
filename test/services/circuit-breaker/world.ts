import { gateOf, type Decision, type GateName, type Input, type Policy } from '#services/circuit-breaker/breaker.ts';
import { type CircuitBreaker, startCircuitBreaker } from '#services/circuit-breaker/circuit-breaker.ts';
import type { CircuitBreakerOptions } from '#services/circuit-breaker/circuit-breaker.ts';
import { type Breaker, type Snapshot, snapshotSchema } from '#services/circuit-breaker/contract.ts';
import { connectAmqp } from '#shared/bus/amqp.ts';
import type { Bus, Consumer, Packet, Session } from '#shared/bus/bus.ts';
import { decode, encode } from '#shared/bus/envelope.ts';
import { createMemoryBroker } from '#shared/bus/memory.ts';
import { gate, inbox, partitionQueues, type RouteTable, SNAPSHOT, topologyOf } from '#shared/bus/topology.ts';
import { systemClock, type Clock } from '#shared/clock.ts';
import { PublishError } from '#shared/errors.ts';
import { type Log, silentLog } from '#shared/log.ts';
import type { Message } from '#shared/message.ts';
import { amqpUrl } from '#test/support/broker-world.ts';
import { provisionedVhost } from '#test/support/provisioned.ts';
import { startTcpProxy } from '#test/support/tcp-proxy.ts';
import { createVirtualClock } from '#test/support/virtual-clock.ts';

export const policy: Policy = { ttlMs: 400, delayMs: 250, cycleMs: 1300, badCycles: 2 };
export const table: RouteTable = {
  partitions: 2,
  routes: ['payment', 'notify'],
  services: {
    payment: { route: 'payment' },
    notify: { route: 'notify' },
    gateway: { commands: ['payment', 'notify'], controls: true },
    'circuit-breaker': { breaker: true },
  },
};

/** A broker with the topology of `table`, real under the system's clock or in memory under a virtual one. */
interface Ground {
  readonly clock: Clock;
  connect(service: string): Promise<Bus>;
  /** A breaker's bus, and how its process dies: from one moment to the next. */
  connectBreaker(): Promise<{ readonly bus: Bus; cut(): void; die(): void; close(): Promise<void> }>;
  administrator(): Promise<Session>;
  /** The broker's address for a service; empty in memory. */
  urlOf(service: string): string;
  bindings(route: string): Promise<{ readonly direct: boolean; readonly delayed: boolean }>;
  /** Runs `promise` to its end, letting time pass. */
  during<T>(promise: Promise<T>): Promise<T>;
  until(condition: () => boolean | Promise<boolean>, limitMs?: number): Promise<void>;
  close(): Promise<void>;
}

export interface World extends Ground {
  /** `cut`: its connections break and may be made again. */
  breaker(
    options?: Partial<CircuitBreakerOptions>,
  ): Promise<{ readonly circuit: CircuitBreaker; cut(): void; die(): void }>;
  /** From the newest snapshot. */
  view(route: string): Breaker | undefined;
  readonly snapshots: readonly Snapshot[];
  readonly decisions: readonly { readonly route: string; readonly input: Input; readonly decision: Decision }[];
  /** What the broker's bindings say. */
  gate(route: string): Promise<GateName | 'mixed'>;
  gateIs(route: string, name: GateName, limitMs?: number): Promise<void>;
  publish(route: string, id: string): Promise<'confirmed' | 'returned'>;
  /** Publishes one message after the other until it is stopped. */
  drip(
    route: string,
    everyMs?: number,
  ): { readonly accepted: string[]; readonly refused: string[]; stop(): Promise<void> };
  /** Handles everything of the route until it is stopped. `at`: epoch ms of the first delivery by message id. */
  handle(
    route: string,
  ): Promise<{ readonly at: ReadonlyMap<string, number>; readonly packets: readonly Packet[]; stop(): Promise<void> }>;
}

export type OpenGround = (given: Policy) => Promise<Ground>;

export async function openWorld(openGround: OpenGround, given: Policy = policy): Promise<World> {
  const ground = await openGround(given);
  const { clock, during } = ground;
  const snapshots: Snapshot[] = [];
  const decisions: World['decisions'][number][] = [];
  const stops: (() => Promise<void>)[] = [];
  const gateway = await during(ground.connect('gateway'));
  await during(
    gateway.subscribe(SNAPSHOT, [''], ({ content }) => {
      snapshots.unshift(snapshotSchema.parse(JSON.parse(content.toString())));
    }),
  );
  let names = 0;
  const log = logOf(clock);
  const buses: Record<string, Promise<Bus>> = {};

  const world: World = {
    ...ground,
    snapshots,
    decisions,
    view: (route) => snapshots[0]?.breakers.find((one) => one.route === route),
    async breaker(options = {}) {
      const { bus, cut, die, close } = await during(ground.connectBreaker());
      const circuit = await during(
        startCircuitBreaker({
          bus,
          clock,
          log,
          name: `breaker-${(names += 1)}`,
          policies: new Map(table.routes.map((route) => [route, given])),
          maxRedrives: 2,
          redrive: { startPerS: 20, capPerS: 100 },
          onDecision: (route, input, decision) => decisions.push({ route, input, decision }),
          ...options,
        }),
      );
      stops.push(async () => {
        await circuit.stop();
        await close();
      });
      return { circuit, cut, die };
    },
    async gate(route) {
      const { direct, delayed } = await ground.bindings(route);
      if (direct) return delayed ? 'closed' : 'mixed';
      return delayed ? 'half_open' : 'open';
    },
    gateIs: (route, name, limitMs) => ground.until(async () => (await world.gate(route)) === name, limitMs),
    async publish(route, id) {
      try {
        await gateway.publish(inbox(route), encode(messageOf(route, id)));
        return 'confirmed';
      } catch (error) {
        if (error instanceof PublishError && error.code === 'returned') return 'returned';
        throw error;
      }
    },
    drip(route, everyMs = 50) {
      const stopping = new AbortController();
      const accepted: string[] = [];
      const refused: string[] = [];
      const running = (async () => {
        for (let index = 0; !stopping.signal.aborted; index += 1) {
          const id = `${route}-drip-${index}`;
          ((await world.publish(route, id)) === 'confirmed' ? accepted : refused).push(id);
          await clock.sleep(everyMs, stopping.signal).catch(() => {});
        }
      })();
      const stop = async (): Promise<void> => {
        stopping.abort();
        await during(running);
      };
      stops.push(stop);
      return { accepted, refused, stop };
    },
    async handle(route) {
      const bus = await during((buses[route] ??= ground.connect(route)));
      const at = new Map<string, number>();
      const packets: Packet[] = [];
      const consumers: Consumer[] = [];
      for (const queue of partitionQueues(table, route)) {
        const registered: Promise<Consumer> = bus.consume(queue, {
          prefetch: 100,
          onChannelLost() {},
          onDelivery(delivery) {
            const { id } = decode(delivery.packet);
            packets.push(delivery.packet);
            if (!at.has(id)) at.set(id, clock.now());
            void registered.then((consumer) => consumer.ack([delivery]));
          },
        });
        consumers.push(await during(registered));
      }
      const stop = async (): Promise<void> => {
        await during(Promise.all(consumers.map((consumer) => consumer.close())));
      };
      stops.push(stop);
      return { at, packets, stop };
    },
    async close() {
      for (const stop of stops.toReversed()) await during(stop());
      await ground.close();
    },
  };
  return world;
}

/** `BREAKER_LOG=1` shows what the breakers say. */
function logOf(clock: Clock): Log {
  if (process.env['BREAKER_LOG'] === undefined) return silentLog;
  const say = (text: string, fields: object = {}): void =>
    console.log(new Date(clock.now()).toISOString(), world, text, JSON.stringify(fields));
  const world = (worlds += 1);
  return { debug: say, info: say, warn: say, error: say, with: () => silentLog };
}
let worlds = 0;

export const messageOf = (route: string, id: string): Message => ({
  id,
  type: `${route}.do`,
  key: id,
  body: {},
  correlationId: `order-${id}`,
});

export const gates = (snapshots: readonly Snapshot[], route: string): GateName[] => {
  const all = snapshots
    .map(({ breakers }) => breakers.find((one) => one.route === route)?.state ?? 'closed')
    .toReversed();
  return all.filter((name, index) => index === 0 || name !== all[index - 1]);
};

/** The moves that a route's decisions made, as `model.ts` writes them, and the history that it would have to replay. */
export function recorded(world: World, route: string): { readonly history: string; readonly moves: string[] } {
  const own = world.decisions.filter((one) => one.route === route);
  return {
    history: own.map(({ input }) => ({ expired: 'x', 'cycle-ended': '|' })[input.kind as 'expired'] ?? '').join(''),
    moves: own.flatMap(({ decision: { transition } }) =>
      transition === undefined ? [] : [`${transition.from}->${transition.to}`],
    ),
  };
}

export { gateOf };

export const memoryGround: OpenGround = ({ ttlMs, delayMs }) => {
  const clock = createVirtualClock();
  const broker = createMemoryBroker({ clock });
  broker.apply(topologyOf(table, { ttlMs, delayMs }, 'v'));
  const buses: Bus[] = [];
  let breakers = 0;
  const connect = (name: string): Bus => {
    const bus = broker.connect(name);
    buses.push(bus);
    return bus;
  };
  return Promise.resolve({
    clock,
    connect: (service) => Promise.resolve(connect(service)),
    connectBreaker() {
      const name = `breaker-${(breakers += 1)}`;
      const bus = connect(name);
      const die = (): void => broker.dropConnection(name, { stayDown: true, inFlight: 'is-lost' });
      return Promise.resolve({ bus, cut: () => broker.dropConnection(name), die, close: () => Promise.resolve() });
    },
    administrator: () => connect('administrator').session(),
    urlOf: () => '',
    bindings(route) {
      const all = broker.bindings();
      const { direct, delayed } = gate(route);
      const has = (one: typeof direct): boolean =>
        all.some(({ source, destination }) => source === one.source && destination === one.destination);
      return Promise.resolve({ direct: has(direct), delayed: has(delayed) });
    },
    during: (promise) => clock.during(promise),
    async until(condition, limitMs = 20_000) {
      const deadline = clock.now() + limitMs;
      while (!(await clock.during(Promise.resolve(condition())))) {
        if (clock.now() > deadline) throw new Error(`not within ${limitMs} virtual ms: ${String(condition)}`);
        await clock.advance(10);
      }
    },
    async close() {
      await clock.during(Promise.all(buses.map((bus) => bus.close())));
      broker.close();
    },
  });
};

export const rabbitGround: OpenGround = async ({ ttlMs, delayMs }) => {
  const vhost = provisionedVhost(table, { ttlMs, delayMs });
  await vhost.provision();
  const closing: (() => Promise<void>)[] = [];
  const adminUrl = new URL(amqpUrl ?? '');
  adminUrl.pathname = `/${vhost.vhost}`;
  const clock = systemClock;
  const bound = async (source: string, destination: string): Promise<boolean> => {
    const list = await vhost.api.get<readonly { readonly destination: string }[]>(
      `/exchanges/${vhost.vhost}/${source}/bindings/source`,
    );
    return (list ?? []).some((one) => one.destination === destination);
  };
  const until: Ground['until'] = async (condition, limitMs = 20_000) => {
    const deadline = clock.now() + limitMs;
    while (!(await condition())) {
      if (clock.now() > deadline) throw new Error(`not within ${limitMs} ms: ${String(condition)}`);
      await clock.sleep(10);
    }
  };
  return {
    clock,
    connect: (service) => vhost.connect(service),
    urlOf: vhost.urlOf,
    async connectBreaker() {
      const own = new URL(vhost.urlOf('circuit-breaker'));
      const proxy = await startTcpProxy(own.hostname, Number(own.port || 5672));
      own.host = `127.0.0.1:${proxy.port}`;
      const bus = connectAmqp({ url: own.href, name: 'breaker', clock, log: silentLog });
      await until(() => bus.connected);
      const close = async (): Promise<void> => {
        await bus.close();
        await proxy.close();
      };
      return { bus, cut: () => proxy.cut(), die: () => proxy.cut({ stayDown: true }), close };
    },
    async administrator() {
      const bus = connectAmqp({ url: adminUrl.href, name: 'administrator', clock, log: silentLog });
      closing.push(() => bus.close());
      await until(() => bus.connected);
      return bus.session();
    },
    async bindings(route) {
      const { direct, delayed } = gate(route);
      const [one, two] = await Promise.all([
        bound(direct.source, direct.destination),
        bound(delayed.source, delayed.destination),
      ]);
      return { direct: one, delayed: two };
    },
    during: (promise) => promise,
    until,
    async close() {
      for (const close of closing) await close();
      await vhost.remove();
    },
  };
};
