import type { Connection } from 'mongoose';
import type { Registry } from 'prom-client';
import { startArchiving } from '#shared/database/archiving.ts';
import type { Bus } from '#shared/bus/bus.ts';
import { requirePartitions } from '#shared/bus/topology/require-partitions.ts';
import { partitionQueues, type RouteTable } from '#shared/bus/topology/topology.ts';
import type { Clock } from '#shared/clock.ts';
import { ttlMsOf } from '#shared/bus/topology/ttl.ts';
import type { EntityConfig } from './variables.ts';
import { preparedStore } from '#shared/database/database.ts';
import { createEngine } from '#shared/entity/engine.ts';
import type { Entity } from '#shared/entity/entity.ts';
import { limitsFor } from '#shared/entity/options.ts';
import type { MongoStoreOptions } from '#shared/entity/stores/mongo-store.ts';
import type { Intercept } from '#shared/entity/options.ts';
import { historyFile } from './history-file.ts';
import type { Log } from '#shared/log.ts';
import { archiveMeter, engineMeter, gauge } from './metrics.ts';
import { createFigures } from '#shared/partition/figures.ts';
import { createMongoTableStore } from '#shared/partition/table-store.ts';
import type { QuestionHandler } from '#shared/question/question.ts';
import { answeringMeter } from '#shared/question/metrics.ts';
import { createResponder } from '#shared/question/responder.ts';
import { takingQuestions } from '#shared/question/taking.ts';
import { createWorker, type Worker } from '#shared/partition/worker.ts';

export interface HostingOptions<State> {
  readonly entity: Entity<State>;
  /** What the owners of its keys are asked. */
  readonly answers?: readonly QuestionHandler[];
  readonly documents: MongoStoreOptions;
  readonly service: string;
  readonly worker: string;
  readonly table: RouteTable;
  readonly config: EntityConfig;
  /** What the engine publishes and consumes through. */
  readonly bus: Bus;
  readonly db: Connection;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Registry;
  readonly intercept?: Intercept | undefined;
}

/** An entity at work in this process. */
export interface Hosted {
  /** Consumes every partition that the assignment gives it. */
  readonly ready: boolean;
  /** See `Kit.othersRun`. */
  othersRun(): readonly (readonly string[] | undefined)[];
  /** Closes all its channels until `resume`; the partitions stay assigned. */
  pause(): Promise<void>;
  resume(): Promise<void>;
  /** Hands its partitions over, or gives them back, within `deadlineMs`, and leaves. */
  drain(deadlineMs: number): Promise<void>;
}

/** The routes whose `.hash` the service has the right to write to. */
function answersOf({ services }: RouteTable, service: string): (route: string) => boolean {
  const { route, answers = [], commands = [] } = services[service] ?? {};
  const allowed = new Set([...(route === undefined ? [] : [route]), ...answers, ...commands]);
  return (to) => allowed.has(to);
}

/** Runs an entity as one worker of its service. Resolves when it has joined the others; waits for broker and database. */
export async function hostEntity<State>(options: HostingOptions<State>): Promise<Hosted> {
  const { entity, answers = [], config, bus, clock, log, metrics, table } = options;
  const { route } = entity;
  const store = await preparedStore<State>(options.db, options.documents, clock, log);
  const history = config.HISTORY_FILE === undefined ? undefined : historyFile(config.HISTORY_FILE, options);
  let worker: Worker | undefined;
  const engine = createEngine<State>({
    ...options,
    queues: [],
    store,
    limits: limitsFor(ttlMsOf(config, route), {
      concurrency: config.WORKER_CONCURRENCY,
      unknownTypeMs: config.UNKNOWN_TYPE_MS,
    }),
    mayAnswer: answersOf(table, options.service),
    meter: engineMeter(metrics),
    onRegistration: (queue, id) => worker?.onRegistration(queue, id),
    history,
  });
  const responder =
    answers.length === 0
      ? undefined
      : createResponder({
          ...options,
          handlers: answers,
          stateOf: async (key) => (await store.load([key])).get(key)?.state,
          onAnswered: answeringMeter(metrics),
        });
  const joined = createWorker({
    ...options,
    engine: responder === undefined ? engine : takingQuestions(engine, responder),
    store: createMongoTableStore(options.db),
    route,
    partitions: table.partitions,
    runs: entity.runs,
    heartbeatMs: config.WORKER_HEARTBEAT_MS,
    deadAfterMs: config.WORKER_DEAD_AFTER_MS,
    figures: createFigures({ queues: partitionQueues(table, route), read: () => engine.figures(), now: clock.now }),
  });
  worker = joined;
  let paused = false;
  const isReady = (): boolean => joined.ready && !paused;
  gauge(metrics, 'switchyard_consuming', '1 while registered on every partition of its own', () => (isReady() ? 1 : 0));
  gauge(metrics, 'switchyard_cached_bytes', 'Documents in memory, bytes, estimated', () => engine.cached.bytes);
  gauge(metrics, 'switchyard_partitions', 'Partitions that it owns', () => joined.describe().owner.length);
  await requirePartitions(bus, table, route, clock);
  await engine.start();
  await joined.start();
  const { collection, archive } = options.documents;
  const archiving =
    archive &&
    startArchiving(options.db, {
      collection,
      rule: archive,
      afterDays: config.ARCHIVE_AFTER_DAYS,
      clock,
      log,
      onMoved: archiveMeter(metrics, collection),
    });
  return {
    get ready() {
      return isReady();
    },
    othersRun: joined.othersRun,
    async pause() {
      paused = true;
      await Promise.all([engine.pause(), responder?.pause()]);
    },
    async resume() {
      await Promise.all([engine.start(), responder?.resume()]);
      paused = false;
    },
    async drain(deadlineMs) {
      const deadline = clock.now() + deadlineMs;
      await archiving?.stop();
      await joined.drain(deadlineMs);
      await engine.drain(Math.max(0, deadline - clock.now()));
      await responder?.close();
    },
  };
}
