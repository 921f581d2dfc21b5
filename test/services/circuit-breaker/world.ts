import { breakerRights } from '#services/circuit-breaker/rights.ts';
import { type Decision, type GateName, type Input, type Policy } from '#services/circuit-breaker/breaker.ts';
import { type CircuitBreaker, startCircuitBreaker } from '#services/circuit-breaker/circuit-breaker.ts';
import type { CircuitBreakerOptions } from '#services/circuit-breaker/circuit-breaker.ts';
import { type Breaker, type Snapshot, snapshotSchema } from '#services/circuit-breaker/contract.ts';
import type { BindingSpec, Bus, Consumer, Packet, Session } from '#shared/bus/bus.ts';
import { decode, encode } from '#shared/bus/envelope.ts';
import { askedRoutes } from '#shared/bus/topology/asked-routes.ts';
import { inbox, partitionQueues, type RouteTable, SNAPSHOT } from '#shared/bus/topology/topology.ts';
import type { Clock } from '#shared/clock.ts';
import { PublishError } from '#shared/errors.ts';
import { type Log, silentLog } from '#shared/log.ts';
import type { Message } from '#shared/message.ts';

export const policy: Policy = { ttlMs: 400, delayMs: 250, cycleMs: 1300, badCycles: 2 };
export const table: RouteTable = {
  partitions: 2,
  routes: ['payment', 'notify'],
  services: {
    payment: { route: 'payment', answersQuestions: true },
    notify: { route: 'notify' },
    gateway: {
      commands: ['payment', 'notify'],
      questions: ['payment'],
      asks: ['breaker'],
      injectsFaults: true,
      watchesWorkers: true,
      names: { read: ['breaker.snapshot'] },
    },
    'circuit-breaker': breakerRights,
  },
};

/** A broker with the topology of `table`, real under the system's clock or in memory under a virtual one. */
export interface Ground {
  readonly clock: Clock;
  connect(service: string): Promise<Bus>;
  /** A breaker's bus, and how its process dies: from one moment to the next. */
  connectBreaker(): Promise<{ readonly bus: Bus; cut(): void; die(): void; close(): Promise<void> }>;
  administrator(): Promise<Session>;
  /** The broker's address for a service; empty in memory. */
  urlOf(service: string): string;
  bindings(route: string): Promise<{ readonly direct: boolean; readonly delayed: boolean }>;
  /** With no more rights than the breaker's. */
  readBindings(): Promise<readonly BindingSpec[]>;
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
          asked: askedRoutes(table),
          maxRedrives: 2,
          redrive: { startPerS: 20, capPerS: 100 },
          wiring: { table, readBindings: ground.readBindings },
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
        const registered = bus.consume(queue, {
          prefetch: 100,
          onChannelLost() {},
          onDelivery(delivery, consumer) {
            const { id } = decode(delivery.packet);
            packets.push(delivery.packet);
            if (!at.has(id)) at.set(id, clock.now());
            consumer.ack([delivery]);
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

/** Lets messages expire until the route is open; they go on being published. */
export async function openedByExpiries(world: World, route = 'payment') {
  const drip = world.drip(route);
  await world.gateIs(route, 'open');
  await world.until(() => recorded(world, route).moves.at(-1) === 'half_open->open');
  return drip;
}
