/** One whole stack on a given broker and database: inbox, provider, warehouse, topology, services. `npm start` and the end-to-end tests run this same code. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { provision } from '#shared/bus/topology/provision.ts';
import { topologyOf } from '#shared/bus/topology/topology.ts';
import { gateVariables } from '#services/circuit-breaker/contract.ts';
import { readConfig } from '#shared/host/config.ts';
import type { Log } from '#shared/log.ts';
import { routesRule, timingsOf } from '#services/circuit-breaker/policies.ts';
import { routeTable } from '#services/services.ts';
import { allCopies, type Copies, type Copy } from './copies.ts';
import type { LineSink } from './log-lines.ts';
import { ownProcess } from './own-process.ts';
import { anyFreePort, freePort, portFor, releasePort } from './ports.ts';
import { migrateDatabase } from './migrate-database.ts';
import { databaseUrl, type Ports, serviceSpecs, type Surroundings } from './service-specs.ts';
import { type ProcessSpec, supervise, type Supervised, type Tell } from './supervisor.ts';
import { waitFor } from './wait-for.ts';

export interface StackOptions extends Surroundings {
  readonly recordDir: string;
  /** Copies of services; with `one-each` only. */
  readonly workers?: Copies;
  /** `default`: 3000 and 1080 or the next free ones; `any`: wherever there is room. */
  readonly ports: 'default' | 'any';
  readonly output: LineSink;
  readonly tell: Tell;
  readonly log: Log;
  /** Told when a default port is taken. */
  readonly say: (text: string) => void;
  readonly onGivenUp: (name: string, reason: string) => void;
}

export interface Stack {
  readonly api: string;
  /** Where operators alone are answered. */
  readonly console: string;
  readonly inbox: string;
  /** Where the inbox takes mails. */
  readonly smtpPort: number;
  readonly provider: string;
  readonly warehouse: string;
  /** Where each process of a service answers `/livez`, `/readyz` and `/metrics`, by its name. */
  readonly urls: Readonly<Record<string, string>>;
  /** By name: `inbox`, `provider`, `warehouse` and each service (or `services`, when they share a process); the copies of `payment` are `payment-1` ... */
  readonly processes: ReadonlyMap<string, Supervised>;
  readonly ports: Ports;
  /** Resolves when every service says that it is ready. */
  ready(limitMs?: number): Promise<void>;
  stop(): Promise<void>;
}

/** Provisions the broker, migrates the database and starts everything; resolves before the services are ready. */
export async function startStack(options: StackOptions): Promise<Stack> {
  const isCopied = (service: string): boolean => options.processes !== 'one' || (options.apart ?? []).includes(service);
  const workers = Object.entries(options.workers ?? {}).filter(([service]) => isCopied(service));
  const copies = allCopies(Object.fromEntries(workers));
  const ports = await choosePorts(options, copies);
  const { amqpUrl, managementUrl } = options.broker;
  await provision({
    amqpUrl,
    managementUrl,
    vhost: options.vhost,
    topology: topologyOf(routeTable, timingOf(options.env), options.vhost),
    passwords: options.secrets.brokerPasswords,
    log: options.log,
  });
  await migrateDatabase(databaseUrl(options.database.url, options.databaseName), options.say);
  mkdirSync(join(options.dir, 'inbox'), { recursive: true });
  const specs = [inboxSpec(options, ports), ...stubSpecs(options, ports), ...serviceSpecs(options, copies, ports)];
  const processes = new Map(specs.map((spec) => [spec.name, supervise(spec, options)] as const));
  const urls = Object.fromEntries(copies.map(({ name }) => [name, `http://127.0.0.1:${ports.services[name]}`]));
  const addressOf = (service: string): string => urls[service] ?? urls[`${service}-1`] ?? '';
  return {
    api: addressOf('gateway'),
    console: addressOf('console'),
    inbox: `http://127.0.0.1:${ports.inbox}`,
    smtpPort: ports.smtp,
    provider: `http://127.0.0.1:${ports.provider}`,
    warehouse: `http://127.0.0.1:${ports.warehouse}`,
    urls,
    processes,
    ports,
    ready: (limitMs = 60_000) => allReady(urls, limitMs),
    async stop() {
      const stopAll = (these: readonly Supervised[]): Promise<unknown> => Promise.all(these.map((one) => one.stop()));
      const all = [...processes.values()];
      const outside = all.filter(({ name }) => ['inbox', 'provider', 'warehouse'].includes(name));
      await stopAll(all.filter((one) => !outside.includes(one)));
      await stopAll(outside);
      const { services, ...others } = ports;
      for (const port of [...Object.values(others), ...Object.values(services)]) releasePort(port);
    },
  };
}

async function choosePorts({ ports, say }: StackOptions, copies: readonly Copy[]): Promise<Ports> {
  const told = (what: string, wanted: number): Promise<number> =>
    ports === 'default' ? portFor(what, wanted, say) : anyFreePort();
  const quiet = (wanted: number): Promise<number> => (ports === 'default' ? freePort(wanted) : anyFreePort());
  const nameOf = (wanted: string): string => copies.find(({ service }) => service === wanted)?.name ?? wanted;
  const services: Record<string, number> = {
    [nameOf('gateway')]: await told('the API', 3000),
    [nameOf('console')]: await told('the console', 3001),
  };
  const inbox = await told('the inbox', 1080);
  for (const { name } of copies) services[name] ??= await quiet(3002);
  return { inbox, smtp: await quiet(1025), provider: await quiet(3101), warehouse: await quiet(3201), services };
}

function inboxSpec({ dir }: StackOptions, ports: Ports): ProcessSpec {
  const env = { SMTP_PORT: String(ports.smtp), HTTP_PORT: String(ports.inbox), MAIL_DIR: join(dir, 'inbox') };
  return ownProcess(dir, {
    name: 'inbox',
    file: 'local/stand-ins/inbox/main.ts',
    env: { HTTP_HOST: '127.0.0.1', ...env },
  });
}

/** What stands in for services of others. */
function stubSpecs({ dir, env }: StackOptions, ports: Ports): readonly ProcessSpec[] {
  return (['provider', 'warehouse'] as const).map((name) => {
    const own = { HTTP_HOST: '127.0.0.1', HTTP_PORT: String(ports[name]) };
    return ownProcess(dir, {
      name,
      file: `local/stand-ins/${name}/main.ts`,
      env: { LOG_LEVEL: 'warn', ...env, ...own },
    });
  });
}

/** What the services will read from the same environment. */
function timingOf(env: Readonly<Record<string, string>>) {
  return timingsOf(readConfig(gateVariables, env, [routesRule(routeTable.routes)]), routeTable.routes);
}

async function allReady(urls: Readonly<Record<string, string>>, limitMs: number): Promise<void> {
  await Promise.all(
    Object.entries(urls).map(([name, url]) =>
      waitFor(`readiness of ${name}`, limitMs, async () => {
        const response = await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(3000) });
        if (!response.ok) throw new Error(await response.text());
        return true;
      }),
    ),
  );
}
