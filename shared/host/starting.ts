import type { z } from 'zod';
import { readConfig, type ConfigRule, type Environment } from './config.ts';
import { createFaults } from './faults.ts';
import { hostEntity, type Hosted } from './hosting.ts';
import { readiness, serveHttp, type RequestListener } from './health.ts';
import { type EntityConfig, entityVariables, type ProcessConfig, processVariables, workerRules } from './variables.ts';
import type { Kit, RunningService, ServiceSpec, StartOptions, System } from './kit.ts';
import { createRegistry, gauge, refusalMeter } from './metrics.ts';
import { connectAmqp } from '#shared/bus/amqp/amqp-bus.ts';
import { tellingRefusals } from '#shared/bus/returned-messages.ts';
import { publishRightOf } from '#shared/bus/topology/rights.ts';
import type { RouteTable } from '#shared/bus/topology/topology.ts';
import { systemClock } from '#shared/clock.ts';
import { connectMongo, ping } from '#shared/database/database.ts';
import { untilMigrated } from '#shared/database/migrated.ts';
import { createAsker, type Asker } from '#shared/question/asker.ts';
import { askerMeter } from '#shared/question/metrics.ts';
import type { Entity } from '#shared/entity/entity.ts';
import { reasonOf } from '#shared/errors.ts';
import { createLog } from '#shared/log.ts';

/** How long requests that are being answered may take to end at stop. */
const REQUEST_GRACE_MS = 3000;
/** How often a service that starts looks whether it is ready, to say so. */
const READY_LOOK_MS = 100;

/** What a service reads from its environment: what every process does, what an entity needs if it has one, and its own. */
export function shapeOf({
  config,
  documents,
}: Pick<ServiceSpec<z.ZodRawShape>, 'config' | 'documents'>): z.ZodRawShape {
  return { ...processVariables, ...(documents === undefined ? {} : entityVariables), ...config };
}

/** Throws a `ConfigError` that lists everything why the service must not run like this. */
export function configOf<Shape extends z.ZodRawShape>(
  spec: ServiceSpec<Shape>,
  environment: Environment,
  table: RouteTable,
): z.infer<z.ZodObject<Shape>> & ProcessConfig & Partial<EntityConfig> {
  type Config = z.infer<z.ZodObject<Shape>> & ProcessConfig & EntityConfig;
  const own = (spec.rules ?? []).map(
    (rule): ConfigRule<Config> =>
      (read) =>
        rule(read, table),
  );
  const all = [...(spec.documents === undefined ? [] : workerRules), ...own] as unknown as Parameters<
    typeof readConfig
  >[2];
  return readConfig(shapeOf(spec), environment, all) as Config;
}

/** Connects a service and lets it begin; resolves before it is ready. */
export async function startService<Shape extends z.ZodRawShape>(
  spec: ServiceSpec<Shape>,
  environment: Environment,
  { services, table }: System,
  options: StartOptions,
): Promise<RunningService> {
  const { name } = spec;
  const config = configOf(spec, environment, table);
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
  const { MONGO_URL: mongoUrl } = config as { readonly MONGO_URL?: string };
  const db = mongoUrl === undefined ? undefined : connectMongo(mongoUrl, clock, log, closing.signal);
  checks.set('broker', () => {
    if (!bus.connected) throw new Error('not connected to RabbitMQ');
    if (bus.blocked !== undefined) throw new Error(`RabbitMQ takes nothing from publishers: ${bus.blocked}`);
  });
  gauge(metrics, 'switchyard_publishing_blocked', '1 while the broker takes nothing from publishers', () =>
    bus.blocked === undefined ? 0 : 1,
  );
  const schema = db && untilMigrated(db, spec.migrations ?? [], { clock, log, signal: closing.signal });
  if (spec.migrations !== undefined) checks.set('schema', () => schema?.check());
  const exit = options.exit ?? ((code: number) => process.exit(code));
  const handled: string[] = [];
  const faults = createFaults(name, { clock, log, exit: () => exit(137), handles: () => handled });
  const running: Hosted[] = [];
  let asker: Asker | undefined;
  const worker = config.WORKER_ID ?? `${name}-${clock.id().slice(-6)}`;

  await spec.start({
    config,
    services,
    table,
    bus,
    db: db as Kit<z.infer<z.ZodObject<Shape>>>['db'],
    clock,
    log,
    metrics,
    get asker() {
      if (asker === undefined) {
        asker = createAsker({ bus, clock, log, meter: askerMeter(metrics) });
        gauge(metrics, 'switchyard_questions_waiting', 'Questions that wait for an answer', () => asker?.waiting ?? 0);
      }
      return asker;
    },
    host<State>(entity: Entity<State>, answers = []) {
      const { documents } = spec;
      if (documents === undefined || db === undefined)
        throw new TypeError(`${name} hosts an entity and says nothing of its documents`);
      checks.set('database', () => ping(db));
      checks.set('consuming', () => {
        if (running.length < hosted.length || !running.every((one) => one.ready))
          throw new Error('not consuming all partitions of its own');
      });
      handled.push(...entity.handlers.map(({ type }) => type.name));
      hosted.push(() =>
        hostEntity<State>({
          entity,
          answers,
          documents,
          service: name,
          worker,
          table,
          // Read because it has documents.
          config: config as EntityConfig,
          bus: config.FAULTS === 'on' ? faults.mute(bus) : bus,
          db,
          clock,
          log,
          metrics,
          intercept: config.FAULTS === 'on' ? faults.intercept : undefined,
        }),
      );
    },
    othersRun: () => running.flatMap((one) => one.othersRun()),
    http(wanted) {
      listener = wanted;
    },
    ready: (check, run) => void checks.set(check, run),
    onStop: (stop) => void stops.push(stop),
  });

  const starting = Promise.resolve(schema?.done).then(async () => {
    if (!closing.signal.aborted) await Promise.all(hosted.map(async (start) => running.push(await start())));
  });
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
        await asker?.close();
        for (const stop of stops.toReversed()) await stop();
        await http.close(REQUEST_GRACE_MS);
        await bus.close();
        closing.abort();
        await db?.close();
      })()),
  };
}
