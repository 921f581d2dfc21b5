/** Every service with its real entities, engine and worker, on the in-memory broker and stores, as machines that may die. */
import { recordsIn } from '#test/support/records.ts';
import type { Faults } from './faults.ts';
import { createMachine, type Host, type Machine, type Town } from './host.ts';
import { createRecord, type Record } from './record.ts';
import { createReplicas, type Collection, type Replicas } from './replicas.ts';
import { newerVersion, type NewerVersion } from './newer.ts';
import { refusing } from './refusing.ts';
import type { Scheduler } from './scheduler.ts';
import { CLOCK_ERROR_MS, type Settings } from './settings.ts';
import { createPayments } from '#local/stand-ins/provider/payments.ts';
import { createDeliveries } from '#local/stand-ins/warehouse/deliveries.ts';
import { startCircuitBreaker } from '#services/circuit-breaker/circuit-breaker.ts';
import { deliveryEntity, type DeliveryState } from '#services/delivery/delivery.ts';
import { mailEffect, notificationEntity, type Mail, type NotificationState } from '#services/notify/notification.ts';
import { orderEntity, type OrderState } from '#services/order/order.ts';
import { paymentEntity, type PaymentState } from '#services/payment/payment.ts';
import { messageIdOf } from '#services/notify/templates.ts';
import type { Provider } from '#services/payment/provider.ts';
import { routeTable } from '#services/services.ts';
import { definitions } from '#services/saga/place-order-versions.ts';
import { sagaEntity, type OrderSaga } from '#services/saga/saga.ts';
import { walletEntity, type WalletState } from '#services/wallet/wallet.ts';
import type { Packet } from '#shared/bus/bus.ts';
import { createMemoryBroker } from '#shared/bus/memory/memory-bus.ts';
import { topologyOf } from '#shared/bus/topology/topology.ts';
import { createEngine } from '#shared/entity/engine.ts';
import type { Entity } from '#shared/entity/entity.ts';
import { limitsFor } from '#shared/entity/options.ts';
import type { MemoryStore } from '#shared/entity/stores/memory-store.ts';
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

/** The customer whose wallet the database does not take, in part of the seeds. */
export const UNWANTED = 'eve';

/** This address takes no mail about an order that is completed, so that one is undone after everything else was done. */
export const BAD_NEWS_ONLY = 'bad-news-only@example.org';

export interface SimulatedTown extends Town {
  readonly settings: Settings;
  readonly replicas: Replicas;
  readonly machines: readonly Machine[];
  readonly record: Record;
  /** What a majority of the database has. */
  readonly orders: MemoryStore<OrderState>;
  readonly sagas: MemoryStore<OrderSaga>;
  readonly wallets: MemoryStore<WalletState>;
  readonly payments: MemoryStore<PaymentState>;
  readonly deliveries: MemoryStore<DeliveryState>;
  readonly notifications: MemoryStore<NotificationState>;
  /** The payment provider's and the warehouse's own books, and what the mail server accepted. */
  readonly provider: ReturnType<typeof createPayments>;
  readonly warehouse: ReturnType<typeof createDeliveries>;
  readonly mails: readonly Mail[];
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
  const { clock, between, chance } = scheduler;
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
  const orders = replicas.collection<OrderState>();
  const sagas = replicas.collection<OrderSaga>();
  const own = replicas.collection<WalletState>();
  const wallets = settings.refusesOne ? { ...own, store: refusing(own.store, UNWANTED) } : own;
  const payments = replicas.collection<PaymentState>();
  const deliveries = replicas.collection<DeliveryState>();
  const notifications = replicas.collection<NotificationState>();
  const provider = createPayments();
  const warehouse = createDeliveries();
  const mails: Mail[] = [];
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
  function run<State>(service: string, collection: Collection<State>, entityOf: (host: Host) => Entity<State>): void {
    for (let copy = 1; copy <= between(1, 4); copy += 1) {
      add(`${service}-${copy}`, async (host) => {
        const { clock: own, bus } = host;
        let worker: Worker | undefined;
        const engine = createEngine<State>({
          entity: entityOf(host),
          bus: record.overheard(host.name, bus),
          store: host.store(record.watched(host.name, service, collection)),
          clock: own,
          log: silentLog,
          queues: [],
          limits: limitsFor(times.ttlMs, limits),
          onRegistration: (queue, id) => worker?.onRegistration(queue, id),
          history: (commit) => record.committed(host.name, service, commit),
        });
        worker = createWorker({
          engine,
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
          await bus.close();
        };
      });
    }
  }

  run('order', orders, () => orderEntity);
  run('saga', sagas, () =>
    sagaEntity(definitions, {
      stepDeadlineMs: times.stepMs,
      sagaDeadlineMs: times.sagaMs,
      resend: { baseMs: 1250, capMs: 5000 },
      log: silentLog,
    }),
  );
  const version = newerVersion(settings);
  run('wallet', wallets, () =>
    version.of(
      walletEntity({
        ...settings.wallet,
        findRecords: (ids) => recordsIn(wallets.seen().journal)(ids),
      }),
    ),
  );
  run('payment', payments, (host) => paymentEntity({ provider: providerOf(host) }));
  run('delivery', deliveries, (host) =>
    deliveryEntity({
      warehouse: {
        dispatch: ({ signal, deliveryId, orderId, items }) =>
          host.effect(signal, () => {
            const { status, body } = warehouse.take({ deliveryId, orderId, items: [...items] });
            // The warehouse remembers the answer to an idempotency key.
            if (status < 300 || (status === 409 && warehouse.find(deliveryId)?.status === 'arranged'))
              return { accepted: true } as const;
            return { accepted: false, reason: (body as { reason: string }).reason } as const;
          }),
        cancel: ({ signal, deliveryId }) => host.effect(signal, () => void warehouse.cancel(deliveryId)),
      },
    }),
  );
  const mailing = mailEffect(times.sagaMs);
  run('notify', notifications, (host) =>
    notificationEntity({
      mailer: {
        async send(mail, signal) {
          const orderId = mail.headers['X-Order-Id']!;
          record.tried(host.name, 'notify', orderId);
          const isSlow = faults.strikes('mail server is slow');
          const slowMs = isSlow ? between(times.ttlMs / 4, mailing.limitMs * 1.2) : 0;
          // It answers late what it took early, or it takes late.
          const takesLate = isSlow && chance() < 0.5;
          if (takesLate) await host.clock.sleep(slowMs, signal);
          const answer = await host.effect(signal, () => {
            if (mail.to === BAD_NEWS_ONLY && mail.messageId === messageIdOf(orderId, 'completed'))
              return { accepted: false, reason: 'rejected_address' } as const;
            mails.push(mail);
            return { accepted: true, at: clock.now() } as const;
          });
          if (isSlow && !takesLate) await host.clock.sleep(slowMs, signal);
          return answer;
        },
      },
      effect: mailing,
    }),
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

  function providerOf(host: Host): Provider {
    type Decision = { readonly approved: true } | { readonly approved: false; readonly reason: string };
    return {
      async authorize({ signal, paymentId, orderId, amount, method }) {
        if (method === 'pm_timeout') return never(signal);
        if (method === 'pm_slow') await host.clock.sleep(Math.floor(times.ttlMs / 5), signal);
        return host.effect<Decision>(signal, () => {
          // The provider remembers the answer to an idempotency key.
          if (provider.find(paymentId)?.status === 'authorized') return { approved: true };
          return provider.authorize(paymentId, { orderId, amount, method });
        });
      },
      capture: ({ signal, paymentId }) => host.effect<Decision>(signal, () => provider.capture(paymentId)),
      void: ({ signal, paymentId }) => host.effect(signal, () => void provider.void(paymentId)),
      refund: ({ signal, paymentId }) =>
        host.effect(signal, () => {
          const refunded =
            provider.find(paymentId)?.status === 'captured' || provider.find(paymentId)?.status === 'refunded';
          provider.refund(paymentId);
          return { refunded };
        }),
    };
  }

  const stores = {
    orders: orders.majority,
    sagas: sagas.majority,
    wallets: wallets.majority,
    payments: payments.majority,
    deliveries: deliveries.majority,
    notifications: notifications.majority,
  };
  return { ...town, settings, replicas, machines, record, ...stores, provider, warehouse, mails, version, add };
}

function never<T>(signal: AbortSignal): Promise<T> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });
}
