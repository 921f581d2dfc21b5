import { createConnection } from 'mongoose';
import { type Ports, residents, type Resident } from '#test/town/residents.ts';
import { indifferent, portsOf } from '#test/town/outside.ts';
import { routeTable } from '#services/services.ts';
import { SAGA_ROUTE } from '#services/saga/contract.ts';
import type { OrderSaga } from '#services/saga/saga.ts';
import { findRecordsIn } from '#services/wallet/model.ts';
import { connectAmqp } from '#shared/bus/amqp/amqp-bus.ts';
import type { Bus } from '#shared/bus/bus.ts';
import { partitionQueues } from '#shared/bus/topology/topology.ts';
import { systemClock } from '#shared/clock.ts';
import { createEngine } from '#shared/entity/engine.ts';
import { limitsFor } from '#shared/entity/options.ts';
import type { EntityStore } from '#shared/entity/store.ts';
import { createMemoryStore, type MemoryStore } from '#shared/entity/stores/memory-store.ts';
import { createMongoStore } from '#shared/entity/stores/mongo-store.ts';
import { silentLog } from '#shared/log.ts';
import type { Message } from '#shared/message.ts';
import { createRegistry, engineMeter } from '#shared/host/metrics.ts';

/** Every service that runs an entity. */
export const participants: readonly string[] = residents.map(({ name }) => name);

export interface HostOptions {
  readonly amqpUrl: string;
  /** In place of a connection to `amqpUrl`. */
  readonly connect?: ((name: string) => Bus) | undefined;
  /** Absent: documents in memory. */
  readonly mongoUrl?: string;
  /** That memory, where somebody else reads it too. */
  readonly memory?: MemoryStore<unknown> | undefined;
  readonly ttlMs: number;
  /** Queues of a route; absent: as many as the product has. */
  readonly partitions?: number | undefined;
  /** With the counters that a service has. */
  readonly metrics?: boolean | undefined;
  /** The last message of an order's saga was applied. */
  readonly onCompleted: (orderId: string) => void;
  readonly onMessage: (type: string, message: Message) => void;
  /** In the place of what every service gets. */
  readonly ports?: Ports;
}

/** Runs one service's entity as its process does, on a connection of its own, with a provider, a warehouse and a mail server that take no time. */
export async function host(name: string, options: HostOptions): Promise<() => Promise<void>> {
  const resident = residents.find((one) => one.name === name);
  if (resident === undefined) throw new Error(`no service ${name} runs an entity`);
  const db = options.mongoUrl === undefined ? undefined : await createConnection(options.mongoUrl).asPromise();
  const { memory = createMemoryStore<unknown>() } = options;
  const mongo = db === undefined ? undefined : createMongoStore<unknown>(db, resident.documents);
  await mongo?.prepare();
  const usual = { ...portsOf(indifferent(systemClock.now), memory.journal), ...options.ports };
  const ports = db === undefined ? usual : { ...usual, findRecords: findRecordsIn(db) };
  const stop = await run(resident.entity(ports), mongo ?? memory, options);
  return async () => {
    await stop();
    await db?.close();
  };
}

async function run(
  entity: ReturnType<Resident['entity']>,
  store: EntityStore<unknown>,
  { amqpUrl, connect = amqp(amqpUrl), ttlMs, partitions, metrics, onCompleted, onMessage }: HostOptions,
): Promise<() => Promise<void>> {
  const { route } = entity;
  const bus = connect(route);
  const table = { ...routeTable, partitions: partitions ?? routeTable.partitions };
  const engine = createEngine<unknown>({
    entity,
    bus,
    store,
    clock: systemClock,
    log: silentLog,
    queues: partitionQueues(table, route),
    limits: limitsFor(ttlMs),
    ...(metrics === true ? { meter: engineMeter(createRegistry(route)) } : {}),
    intercept(_handler, _state, { message }, call) {
      onMessage(message.type, message);
      const result = call();
      if (route === SAGA_ROUTE && !(result instanceof Promise)) {
        if (hasEnded(result.state as OrderSaga | undefined)) onCompleted(message.key);
      }
      return result;
    },
  });
  await engine.start();
  return async () => {
    await engine.drain(5000);
    await bus.close();
  };
}

function amqp(url: string): (name: string) => Bus {
  return (name) => connectAmqp({ url, name, clock: systemClock, log: silentLog });
}

function hasEnded(state: OrderSaga | undefined): boolean {
  return state?.phase === 'ended';
}
