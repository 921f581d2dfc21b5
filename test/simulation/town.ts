/** Every service with its real entities, engine and worker, on the in-memory broker and stores, as machines that may die. */
import { checkoutPorts } from '#test/support/checkouts.ts';
import { recordsIn } from '#test/support/records.ts';
import { askingThrough, pricingPorts } from '#test/town/pricing-ports.ts';
import { residents, type Ports } from '#test/town/residents.ts';
import { createAbroad, mailerOf, providerOf, warehouseOf, type Abroad, type Ways } from './abroad.ts';
import type { Faults } from './faults.ts';
import { createMachine, type Host, type Machine, type Town } from './host.ts';
import { createRecord, type Record } from './record.ts';
import { createReplicas, type Collection, type Replicas } from './replicas.ts';
import { newerVersion, type NewerVersion } from './newer-version.ts';
import { refusing, UNWANTED } from './refusing.ts';
import type { Scheduler } from './scheduler.ts';
import { CLOCK_ERROR_MS, type Settings } from './settings.ts';
import { startCircuitBreaker } from '#services/circuit-breaker/circuit-breaker.ts';
import type { DeliveryState } from '#services/delivery/delivery.ts';
import { mailEffect, type NotificationState } from '#services/notify/notification.ts';
import type { OrderState } from '#services/order/order.ts';
import type { PaymentState } from '#services/payment/payment.ts';
import { routeTable } from '#services/services.ts';
import { definitions } from '#services/saga/place-order-versions.ts';
import type { OrderSaga } from '#services/saga/saga.ts';
import type { WalletState } from '#services/wallet/wallet.ts';
import type { Packet } from '#shared/bus/bus.ts';
import { createMemoryBroker } from '#shared/bus/memory/memory-bus.ts';
import { topologyOf } from '#shared/bus/topology/topology.ts';
import { createEngine } from '#shared/entity/engine.ts';
import type { Entity } from '#shared/entity/entity.ts';
import { limitsFor } from '#shared/entity/options.ts';
import type { MemoryStore } from '#shared/entity/stores/memory-store.ts';
import type { QuestionHandler } from '#shared/question/question.ts';
import { createResponder } from '#shared/question/responder.ts';
import { takingQuestions } from '#shared/question/taking.ts';
import { silentLog } from '#shared/log.ts';
import { WAKE } from '#shared/message.ts';
import { createMemoryTableStore } from '#shared/partition/memory-table-store.ts';
import { createWorker, type Worker } from '#shared/partition/worker.ts';

const DRAIN_MS = 5000;
/** A write is known to a majority after so long at most. */
const MAX_LAG_MS = 6;
const undos = new Set(
  definitions.flatMap(({ start, steps }) =>
    [start.undo, ...steps.map(({ undo }) => undo)].flatMap((undo) => (undo.kind === 'own' ? [undo.command.name] : [])),
  ),
);

export interface SimulatedTown extends Town, Abroad {
  readonly settings: Settings;
  readonly replicas: Replicas;
  readonly machines: readonly Machine[];
  readonly record: Record;
  /** By service, what a majority of the database has; below those of an order's road. */
  readonly homes: ReadonlyMap<string, MemoryStore<unknown>>;
  /** Of all versions, kept for ever. */
  readonly strategyTexts: ReadonlyMap<string, string>;
  /** The documents of the order queue, as its workers use them. */
  readonly orderQueue: Collection<unknown>;
  readonly orders: MemoryStore<OrderState>;
  readonly sagas: MemoryStore<OrderSaga>;
  readonly wallets: MemoryStore<WalletState>;
  readonly payments: MemoryStore<PaymentState>;
  readonly deliveries: MemoryStore<DeliveryState>;
  readonly notifications: MemoryStore<NotificationState>;
  readonly version: NewerVersion;
  /** Adds a machine that is killed and paused like the others. */
  add(name: string, start: (host: Host) => Promise<() => Promise<void>>): Machine;
}

/** `copies` of each service; the breaker has a second one when the services have. */
export function buildTown(
  scheduler: Scheduler,
  faults: Faults,
  tell: (line: string) => void,
  settings: Settings,
): SimulatedTown {
  const { clock, between } = scheduler;
  const { times, limits } = settings;
  const broker = createMemoryBroker({ clock });
  broker.apply(topologyOf(routeTable, { ttlMs: times.ttlMs, delayMs: times.delayMs }, 'simulated'));
  const record = createRecord(clock, limitsFor(times.ttlMs, limits));
  broker.inject({
    latencyMs: () => between(0, faults.strikes('slow link') ? 400 : 4),
    copies: (queue, packet) => {
      if (queue.endsWith('.expired') && packet.type === WAKE) faults.count('wake expired');
      const copies = copiesOf(queue, packet);
      for (let copy = 0; copy < copies; copy += 1) record.entered(queue, packet);
      return copies;
    },
    refuses: (exchange) => /\.(in|hash)$/.test(exchange) && faults.strikes('publish refused'),
  });
  const replicas = createReplicas(clock, settings.rollBacks ? () => clock.random() * MAX_LAG_MS : undefined);
  const tables = createMemoryTableStore();
  const machines: Machine[] = [];
  const homes = new Map<string, Collection<unknown>>(
    residents.map(({ name }) => {
      const home = replicas.collection<unknown>();
      const isRefused = settings.refusesOne && name === 'wallet';
      return [name, isRefused ? { ...home, store: refusing(home.store, UNWANTED) } : home];
    }),
  );
  const homeOf = (service: string): Collection<unknown> => homes.get(service)!;
  const version = newerVersion(settings);
  const abroad = createAbroad();
  const ways: Ways = { abroad, scheduler, faults, settings, record };
  const town: Town = { scheduler, broker, faults, tell };

  function copiesOf(queue: string, packet: Packet): number {
    if (!/\.\d{3}$/.test(queue)) return 1;
    if (undos.has(packet.type ?? '') && faults.strikes('an undo is lost')) return 0;
    if (faults.strikes('late copy')) comesAgain(`${queue.slice(0, -4)}.hash`, packet);
    return faults.strikes('duplicate') ? 2 : 1;
  }

  /** About when it should be forgotten, if it says so: as late as a sender may send again, or the breaker put back. */
  function comesAgain(exchange: string, packet: Packet): void {
    const until = packet.headers['remember-until'] ?? packet.headers['deadline'];
    const about = typeof until === 'number' ? until - clock.now() : between(0, 20_000);
    clock.after(about + between(-CLOCK_ERROR_MS - 500, CLOCK_ERROR_MS), () => {
      if (!faults.healed) broker.put(exchange, packet);
    });
  }

  function add(name: string, start: (host: Host) => Promise<() => Promise<void>>): Machine {
    const machine = createMachine(town, name, start);
    machines.push(machine);
    return machine;
  }

  /** As `shared/host/hosting.ts` does it, with memory in the place of the database. */
  function run(
    service: string,
    entityOf: (host: Host) => Entity<unknown>,
    answersOf: (host: Host) => readonly QuestionHandler[],
  ): void {
    for (let copy = 1; copy <= between(1, 4); copy += 1) {
      add(`${service}-${copy}`, async (host) => {
        const { clock: own, bus } = host;
        let worker: Worker | undefined;
        const engine = createEngine<unknown>({
          entity: entityOf(host),
          bus: record.overheard(host.name, bus),
          store: host.store(record.watched(host.name, service, homeOf(service))),
          clock: own,
          log: silentLog,
          queues: [],
          limits: limitsFor(times.ttlMs, limits),
          onRegistration: (queue, id) => worker?.onRegistration(queue, id),
          history: (commit) => record.committed(host.name, service, commit),
        });
        const answers = answersOf(host);
        const responder =
          answers.length === 0
            ? undefined
            : createResponder({
                handlers: answers,
                bus,
                clock: own,
                log: silentLog,
                stateOf: async (key) => (await host.store(homeOf(service).store).load([key])).get(key)?.state,
              });
        worker = createWorker({
          engine: responder === undefined ? engine : takingQuestions(engine, responder),
          bus,
          store: tables,
          clock: own,
          log: silentLog,
          service,
          route: service,
          partitions: routeTable.partitions,
          worker: host.name,
          heartbeatMs: 4000,
          deadAfterMs: 12_000,
          lookMs: 1000,
        });
        await engine.start();
        await worker.start();
        return async () => {
          await worker.drain(DRAIN_MS);
          await engine.drain(1000);
          await responder?.close();
          await bus.close();
        };
      });
    }
  }

  const { room, skewMs } = settings.wallet;
  const strategyTexts = new Map<string, string>();
  const portsOf = (host: Host, service: string): Ports => ({
    ...pricingPorts((owner) => homes.get(owner)?.seen(), host.clock, strategyTexts),
    ask: askingThrough(host.bus, host.clock),
    provider: providerOf(host, ways),
    warehouse: warehouseOf(host, ways),
    mailer: mailerOf(host, ways),
    effect: mailEffect(times.sagaMs),
    findRecords: (ids: readonly string[]) => recordsIn(homeOf(service).seen().journal)(ids),
    room,
    skewMs,
    stepDeadlineMs: times.stepMs,
    sagaDeadlineMs: times.sagaMs,
    resend: { baseMs: 1250, capMs: 5000 },
    retrying: settings.retrying,
    ...checkoutPorts,
    checkoutFlow: settings.checkoutFlow,
    checkoutTiming: { ...checkoutPorts.checkoutTiming, stepDeadlineMs: times.stepMs },
    log: silentLog,
  });
  for (const { name, entity, answers } of residents)
    run(
      name,
      (host) => version.of(name, entity(portsOf(host, name))),
      (host) => answers(portsOf(host, name)),
    );
  for (let copy = 1; copy <= between(1, 3); copy += 1) {
    add(`circuit-breaker-${copy}`, async ({ bus, clock: own, name }) => {
      const breaker = await startCircuitBreaker({
        bus,
        clock: own,
        log: silentLog,
        name,
        policies: new Map(routeTable.routes.map((route) => [route, times])),
        maxRedrives: 50,
        redrive: { startPerS: 20, capPerS: 1000 },
      });
      return async () => {
        await breaker.stop();
        await bus.close();
      };
    });
  }

  const majorityOf = <State>(service: string) => homeOf(service).majority as MemoryStore<State>;
  return {
    ...town,
    ...abroad,
    settings,
    replicas,
    machines,
    record,
    version,
    add,
    homes: new Map([...homes].map(([name, { majority }]) => [name, majority])),
    strategyTexts,
    orderQueue: homeOf('executor'),
    orders: majorityOf<OrderState>('order'),
    sagas: majorityOf<OrderSaga>('saga'),
    wallets: majorityOf<WalletState>('wallet'),
    payments: majorityOf<PaymentState>('payment'),
    deliveries: majorityOf<DeliveryState>('delivery'),
    notifications: majorityOf<NotificationState>('notify'),
  };
}
