import type { Connection } from 'mongoose';
import type { Registry } from 'prom-client';
import type { z } from 'zod';
import { connectAmqp } from '#shared/bus/amqp/amqp-bus.ts';
import type { Bus } from '#shared/bus/bus.ts';
import { tellingRefusals } from '#shared/bus/refusals.ts';
import { publishRightOf } from '#shared/bus/topology/rights.ts';
import type { RouteTable } from '#shared/bus/topology/topology.ts';
import { systemClock, type Clock } from '#shared/clock.ts';
import { connectMongo, ping } from '#shared/database/database.ts';
import { commonConfig, readConfig, timeRules, type CommonConfig, type ConfigRule, type Environment } from './config.ts';
import type { Entity } from '#shared/entity/entity.ts';
import type { MongoStoreOptions } from '#shared/entity/stores/mongo-store.ts';
import { ConfigError, reasonOf } from '#shared/errors.ts';
import { createFaults } from './faults.ts';
import { hostEntity, type Hosted } from './hosting.ts';
import { readiness, serveHttp, type RequestListener } from './health.ts';
import { createLog, type Log } from '#shared/log.ts';
import { createRegistry, gauge, refusalMeter } from './metrics.ts';

/** What a service gets to build itself from. */
export interface Kit<Config> {
  readonly config: Config & CommonConfig;
  readonly bus: Bus;
  readonly db: Connection;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Registry;
  /** Runs an entity as one worker of this service, with its documents in this collection; drained at stop. */
  host<State>(entity: Entity<State>, store: MongoStoreOptions): void;
  /** Answers every path but `/livez`, `/readyz` and `/metrics`. */
  http(listener: RequestListener): void;
  /** A readiness check; throws what is wrong. */
  ready(name: string, check: () => void | Promise<void>): void;
  /** Runs at stop, latest first. */
  onStop(stop: () => Promise<void>): void;
}

export interface Service {
  readonly name: string;
  /** Throws a `ConfigError` that lists everything why it must not run like this. */
  check(environment: Environment): void;
  start(environment: Environment, options?: StartOptions): Promise<RunningService>;
}

export interface StartOptions {
  /** In a process of several services nobody may end it alone. */
  readonly exit?: (code: number) => void;
  readonly log?: Log;
}

export interface RunningService {
  readonly name: string;
  /** Where `/livez` and the rest are served. */
  readonly url: string;
  /** Drains and stops; resolves when nothing of it runs any more. */
  stop(): Promise<void>;
}

/** How long requests that are being answered may take to end at stop. */
const REQUEST_GRACE_MS = 3000;
/** How often a service that starts looks whether it is ready, to say so. */
const READY_LOOK_MS = 100;

/**
 * Declares a service: its name (also its broker user and its line in the route table), its own configuration, and what
 * it is made of. Nothing runs before `start`.
 */
export function defineService<Shape extends z.ZodRawShape>(spec: {
  readonly name: string;
  readonly table: RouteTable;
  readonly config: Shape;
  /** What must not run, beyond what the schema says. */
  readonly rules?: readonly ConfigRule<z.infer<z.ZodObject<Shape>> & CommonConfig>[];
  start(kit: Kit<z.infer<z.ZodObject<Shape>>>): void | Promise<void>;
}): Service {
  return {
    name: spec.name,
    check: (environment) => void configOf(spec, environment),
    start: (environment, options = {}) => startService(spec, environment, options),
  };
}

function configOf<Shape extends z.ZodRawShape>(
  { config, rules = [] }: Parameters<typeof defineService<Shape>>[0],
  environment: Environment,
): z.infer<z.ZodObject<Shape>> & CommonConfig {
  type Config = z.infer<z.ZodObject<Shape>> & CommonConfig;
  const all = [...timeRules, ...rules] as unknown as Parameters<typeof readConfig>[2];
  return readConfig({ ...commonConfig, ...config }, environment, all) as Config;
}

async function startService<Shape extends z.ZodRawShape>(
  spec: Parameters<typeof defineService<Shape>>[0],
  environment: Environment,
  options: StartOptions,
): Promise<RunningService> {
  const { name, table } = spec;
  const config = configOf(spec, environment);
  const log = options.log ?? createLog(name, config.LOG_LEVEL);
  const clock = systemClock;
  const stops: (() => Promise<void>)[] = [];
  const checks = new Map<string, () => void | Promise<void>>();
  const hosted: (() => Promise<Hosted>)[] = [];
  const closing = new AbortController();
  let stopping: Promise<void> | undefined;
  const metrics = createRegistry(name);
  let listener: RequestListener | undefined;

  const http = await serveHttp({
    host: config.HTTP_HOST,
    port: config.HTTP_PORT,
    checks,
    metrics,
    log,
    listener: () => listener,
  });
  const mayPublish = publishRightOf(table, name);
  const amqp = connectAmqp({ url: config.AMQP_URL, name, clock, log, mayPublish });
  const bus = tellingRefusals(amqp, refusalMeter(metrics));
  const db = connectMongo(config.MONGO_URL, clock, log, closing.signal);
  checks.set('broker', () => {
    if (!bus.connected) throw new Error('not connected to RabbitMQ');
    if (bus.blocked !== undefined) throw new Error(`RabbitMQ takes nothing from publishers: ${bus.blocked}`);
  });
  gauge(metrics, 'switchyard_publishing_blocked', '1 while the broker takes nothing from publishers', () =>
    bus.blocked === undefined ? 0 : 1,
  );
  const exit = options.exit ?? ((code: number) => process.exit(code));
  const faults = createFaults(name, { clock, log, exit: () => exit(137) });
  const running: Hosted[] = [];
  const worker = config.WORKER_ID ?? `${name}-${clock.id().slice(-6)}`;

  await spec.start({
    config,
    bus,
    db,
    clock,
    log,
    metrics,
    host<State>(entity: Entity<State>, documents: MongoStoreOptions) {
      checks.set('database', () => ping(db));
      checks.set('consuming', () => {
        if (running.length < hosted.length || !running.every((one) => one.ready))
          throw new Error('not consuming all partitions of its own');
      });
      hosted.push(() =>
        hostEntity<State>({
          entity,
          documents,
          service: name,
          worker,
          table,
          config,
          bus: config.FAULTS === 'on' ? faults.mute(bus) : bus,
          db,
          clock,
          log,
          metrics,
          intercept: config.FAULTS === 'on' ? faults.intercept : undefined,
        }),
      );
    },
    http(wanted) {
      listener = wanted;
    },
    ready: (check, run) => void checks.set(check, run),
    onStop: (stop) => void stops.push(stop),
  });

  const starting = Promise.all(hosted.map(async (start) => running.push(await start())));
  // Faults are those of entities; a service without any has nobody to tell.
  if (config.FAULTS === 'on' && hosted.length > 0) {
    listenForFaults().catch((error: unknown) => log.error('cannot hear of faults', { reason: reasonOf(error) }));
  }
  starting.catch((error: unknown) => {
    log.error('cannot start', { reason: reasonOf(error) });
    exit(1);
  });

  void whenReady().then((ready) => ready && log.info('ready', { url: http.url }));

  /** False: it is stopping. */
  async function whenReady(): Promise<boolean> {
    while (!closing.signal.aborted && stopping === undefined) {
      if ((await readiness(checks)).ready) return true;
      await clock.sleep(READY_LOOK_MS, closing.signal).catch(() => {});
    }
    return false;
  }

  async function listenForFaults(): Promise<void> {
    await faults.listen(bus, async (paused) => {
      await Promise.all(running.map((one) => (paused ? one.pause() : one.resume())));
    });
  }

  return {
    name,
    url: http.url,
    stop: () =>
      (stopping ??= (async () => {
        log.info('stopping');
        http.stopListening();
        await Promise.all(running.map((one) => one.drain(config.DRAIN_MS)));
        for (const stop of stops.toReversed()) await stop();
        await http.close(REQUEST_GRACE_MS);
        await bus.close();
        closing.abort();
        await db.close();
      })()),
  };
}

/**
 * Runs a service as this process: SIGTERM and SIGINT drain it, a second one ends it at once. A configuration that must
 * not run is printed, all of it, and ends the process with 78 (EX_CONFIG of sysexits.h).
 */
export async function runProcess(service: Service): Promise<void> {
  let running: RunningService;
  try {
    running = await service.start(process.env);
  } catch (error) {
    process.stderr.write(`${service.name}: ${reasonOf(error)}\n`);
    process.exit(error instanceof ConfigError ? 78 : 1);
  }
  let asked = false;
  const stop = (): void => {
    if (asked) process.exit(1);
    asked = true;
    running.stop().then(
      () => process.exit(0),
      (error: unknown) => {
        process.stderr.write(`${service.name}: could not stop cleanly: ${reasonOf(error)}\n`);
        process.exit(1);
      },
    );
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
}
