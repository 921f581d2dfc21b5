import { createWorld, TTL_MS } from '#test/support/engine-world.ts';
import type { Bus } from '#shared/bus/bus.ts';
import { partition, WORKERS } from '#shared/bus/topology/topology.ts';
import { PublishError } from '#shared/errors.ts';
import type { Log } from '#shared/log.ts';
import type { Table } from '#shared/partition/assignment.ts';
import { createMemoryTableStore } from '#shared/partition/memory-table-store.ts';
import type { TableStore } from '#shared/partition/table-store.ts';
import { createWorker, type Worker } from '#shared/partition/worker.ts';

const PARTITIONS = 4;
const QUEUES = Array.from({ length: PARTITIONS }, (_, index) => partition('tally', index));

export interface TestWorker {
  readonly name: string;
  readonly worker: Worker;
  readonly log: readonly string[];
  held(): readonly string[];
  /** Both connections break and stay so. */
  kill(): void;
  /** Its announcements do not leave any more; it consumes on. */
  mute(muted: boolean): void;
}

/** Real engines and workers on the in-memory broker, which takes up to `latencyMs` for every step. */
export function createWorkersWorld({
  seed = 1,
  latencyMs = 0,
}: { readonly seed?: number; readonly latencyMs?: number } = {}) {
  const world = createWorld(undefined, { seed });
  const { clock, broker } = world;
  if (latencyMs > 0) broker.inject({ latencyMs: () => Math.floor(clock.random() * latencyMs) });
  const tables = createMemoryTableStore();
  let storeAway = false;
  const store: TableStore = {
    load: (route) => (storeAway ? Promise.reject(new Error('store away')) : tables.load(route)),
    replace: (route, over, table) =>
      storeAway ? Promise.reject(new Error('store away')) : tables.replace(route, over, table),
  };
  const delivered: { readonly queue: string; readonly worker: string }[] = [];
  const living = new Map<string, TestWorker>();
  let connections = 0;
  let sent = 0;

  function start(name: string, runs?: readonly string[]): TestWorker {
    const connection = `${name}#${(connections += 1)}`;
    const plain = broker.connect(connection);
    let muted = false;
    const bus: Bus = {
      ...plain,
      get connected() {
        return plain.connected;
      },
      publish: (exchange, packet, routingKey) =>
        muted && exchange === WORKERS
          ? Promise.reject(new PublishError('not-connected', exchange, 'muted'))
          : plain.publish(exchange, packet, routingKey),
      consume: (queue, options) =>
        plain.consume(queue, {
          ...options,
          onDelivery(delivery, consumer) {
            delivered.push({ queue, worker: name });
            options.onDelivery(delivery, consumer);
          },
        }),
    };
    const log: string[] = [];
    const engine = world.engine(name, {
      bus,
      queues: [],
      worker: name,
      onRegistration: (queue, id) => worker.onRegistration(queue, id),
    });
    const worker = createWorker({
      engine,
      bus,
      store,
      clock,
      log: keeping(log),
      service: 'tally',
      route: 'tally',
      partitions: PARTITIONS,
      worker: name,
      heartbeatMs: 1000,
      deadAfterMs: 5000,
      runs,
    });
    void engine.start().then(() => worker.start());
    const one: TestWorker = {
      name,
      worker,
      log,
      held: engine.held,
      kill() {
        living.delete(name);
        broker.dropConnection(connection, { stayDown: true });
      },
      mute(value) {
        muted = value;
      },
    };
    living.set(name, one);
    return one;
  }

  async function drain(one: TestWorker, deadlineMs = 10_000): Promise<number> {
    const from = clock.now();
    await clock.during(one.worker.drain(deadlineMs));
    living.delete(one.name);
    return clock.now() - from;
  }

  /** Which workers are handed the messages of each partition at present. */
  async function actives(): Promise<readonly string[]> {
    delivered.length = 0;
    for (let n = 0; n < 40; n += 1) world.put(`probe${n}`, (sent += 1));
    await clock.advance(1000);
    return QUEUES.map((queue) =>
      [...new Set(delivered.filter((one) => one.queue === queue).map(({ worker }) => worker))].toSorted().join(),
    );
  }

  async function table(): Promise<Table | undefined> {
    return tables.load('tally');
  }

  /** Advances until everybody living is ready, by one table that names them, and all partitions have owner and standby only. */
  async function calm(limitMs = 20_000): Promise<number> {
    const from = clock.now();
    await clock.until(isCalm, limitMs);
    const tookMs = clock.now() - from;
    // Who stands by may be first in line until it has heard of it, with the next heartbeat at the latest, and registered again.
    await clock.advance(2000);
    return tookMs;
  }

  function isCalm(): boolean {
    const all = [...living.values()].map(({ worker }) => worker.describe());
    const names = [...living.keys()].toSorted().join();
    const versions = new Set(all.map(({ tableVersion }) => tableVersion));
    return (
      versions.size === 1 &&
      all.every(({ members }) => members.join() === names) &&
      [...living.values()].every(({ worker }) => worker.ready) &&
      QUEUES.every((queue) => broker.queue(queue).consumers === Math.min(2, living.size)) &&
      all.every(({ owner, standby, registered }) => [...owner, ...standby].toSorted().join() === registered.join())
    );
  }

  return {
    ...world,
    clock,
    tables,
    living,
    start,
    drain,
    actives,
    table,
    calm,
    storeAway(away: boolean) {
      storeAway = away;
    },
    /** Advances and looks every ms; the partitions that were seen without a consumer. */
    async watch(ms: number, step: (passedMs: number) => void = () => {}): Promise<readonly string[]> {
      const bare = new Set<string>();
      for (let passed = 0; passed < ms; passed += 1) {
        step(passed);
        await clock.advance(1);
        for (const queue of QUEUES) if (broker.queue(queue).consumers === 0) bare.add(`${queue} at ${passed}`);
      }
      return [...bare];
    },
    ttlMs: TTL_MS,
  };
}

function keeping(lines: string[]): Log {
  const keep =
    (level: string) =>
    (text: string): void =>
      void lines.push(`${level}: ${text}`);
  const log: Log = {
    debug() {},
    info: keep('info'),
    warn: keep('warn'),
    error: keep('error'),
    with: () => log,
  };
  return log;
}
