/** One whole stack on a given broker and database: inbox, provider, warehouse, topology, services. `npm start` and the end-to-end tests run this same code. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { provision } from '#shared/bus/provision.ts';
import { topologyOf } from '#shared/bus/topology.ts';
import { commonConfig, readConfig } from '#shared/config.ts';
import type { Log } from '#shared/log.ts';
import { timingsOf } from '#services/circuit-breaker/policies.ts';
import { routeTable } from '#services/routes.ts';
import type { Broker } from './broker.ts';
import type { Database } from './database.ts';
import type { LineSink } from './log-lines.ts';
import { ownProcess } from './own-process.ts';
import { anyFreePort, freePort, portFor, releasePort } from './ports.ts';
import type { Secrets } from './secrets.ts';
import { serviceNames } from './service-names.ts';
import { type ProcessSpec, supervise, type Supervised, type Tell } from './supervisor.ts';
import { until } from './trouble.ts';

export interface StackOptions {
  readonly dir: string;
  readonly recordDir: string;
  readonly broker: Pick<Broker, 'amqpUrl' | 'managementUrl'>;
  readonly database: Pick<Database, 'url'>;
  readonly databaseName: string;
  readonly vhost: string;
  readonly secrets: Secrets;
  /** `one`: all services in a single process. */
  readonly processes: 'one-each' | 'one';
  /** `default`: 3000 and 1080 or the next free ones; `any`: wherever there is room. */
  readonly ports: 'default' | 'any';
  /** Added to the environment of every service. */
  readonly env: Readonly<Record<string, string>>;
  readonly output: LineSink;
  readonly tell: Tell;
  readonly log: Log;
  /** Told when a default port is taken. */
  readonly say: (text: string) => void;
  readonly onGivenUp: (name: string, reason: string) => void;
}

export interface Stack {
  readonly api: string;
  readonly inbox: string;
  readonly provider: string;
  readonly warehouse: string;
  /** Where each service answers `/livez`, `/readyz` and `/metrics`. */
  readonly urls: Readonly<Record<string, string>>;
  /** By name: `inbox`, `provider`, `warehouse` and each service (or `services`, when they share a process). */
  readonly processes: ReadonlyMap<string, Supervised>;
  /** Resolves when every service says that it is ready. */
  ready(limitMs?: number): Promise<void>;
  stop(): Promise<void>;
}

/** Provisions the broker and starts everything; resolves before the services are ready. */
export async function startStack(options: StackOptions): Promise<Stack> {
  const ports = await choosePorts(options);
  const { amqpUrl, managementUrl } = options.broker;
  await provision({
    amqpUrl,
    managementUrl,
    vhost: options.vhost,
    topology: topologyOf(routeTable, timingOf(options.env), options.vhost),
    passwords: options.secrets.brokerPasswords,
    log: options.log,
  });
  mkdirSync(join(options.dir, 'inbox'), { recursive: true });
  const specs = [inboxSpec(options, ports), ...stubSpecs(options, ports), ...serviceSpecs(options, ports)];
  const processes = new Map(specs.map((spec) => [spec.name, supervise(spec, options)] as const));
  const urls = Object.fromEntries(serviceNames.map((name) => [name, `http://127.0.0.1:${ports.services[name]}`]));
  return {
    api: urls['gateway'] ?? '',
    inbox: `http://127.0.0.1:${ports.inbox}`,
    provider: `http://127.0.0.1:${ports.provider}`,
    warehouse: `http://127.0.0.1:${ports.warehouse}`,
    urls,
    processes,
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

interface Ports {
  readonly inbox: number;
  readonly smtp: number;
  readonly provider: number;
  readonly warehouse: number;
  readonly services: Readonly<Record<string, number>>;
}

async function choosePorts({ ports, say }: StackOptions): Promise<Ports> {
  const told = (what: string, wanted: number): Promise<number> =>
    ports === 'default' ? portFor(what, wanted, say) : anyFreePort();
  const quiet = (wanted: number): Promise<number> => (ports === 'default' ? freePort(wanted) : anyFreePort());
  const services: Record<string, number> = { gateway: await told('the API', 3000) };
  const inbox = await told('the inbox', 1080);
  for (const name of serviceNames) services[name] ??= await quiet(3001);
  return { inbox, smtp: await quiet(1025), provider: await quiet(3101), warehouse: await quiet(3201), services };
}

function inboxSpec({ dir }: StackOptions, ports: Ports): ProcessSpec {
  const env = { SMTP_PORT: String(ports.smtp), HTTP_PORT: String(ports.inbox), MAIL_DIR: join(dir, 'inbox') };
  return ownProcess(dir, { name: 'inbox', file: 'local/inbox/main.ts', env: { HTTP_HOST: '127.0.0.1', ...env } });
}

/** What stands in for services of others. */
function stubSpecs({ dir, env }: StackOptions, ports: Ports): readonly ProcessSpec[] {
  return (['provider', 'warehouse'] as const).map((name) => {
    const own = { HTTP_HOST: '127.0.0.1', HTTP_PORT: String(ports[name]) };
    return ownProcess(dir, { name, file: `local/${name}/main.ts`, env: { LOG_LEVEL: 'warn', ...env, ...own } });
  });
}

function serviceSpecs(options: StackOptions, ports: Ports): readonly ProcessSpec[] {
  const { dir } = options;
  if (options.processes === 'one') {
    const all = Object.fromEntries(serviceNames.map((name) => [name, serviceEnvironment(options, ports, name)]));
    return [
      ownProcess(dir, {
        name: 'services',
        file: 'local/one-process.ts',
        env: { SERVICE_ENVIRONMENTS: JSON.stringify(all) },
      }),
    ];
  }
  return serviceNames.map((name) =>
    ownProcess(dir, { name, file: `services/${name}/main.ts`, env: serviceEnvironment(options, ports, name) }),
  );
}

/** Each service gets its own broker user and only the secrets that it needs. */
function serviceEnvironment(options: StackOptions, ports: Ports, name: string): Record<string, string> {
  const amqp = new URL(options.broker.amqpUrl);
  amqp.username = `${options.vhost}.${name}`;
  amqp.password = options.secrets.brokerPasswords[name] ?? '';
  amqp.pathname = `/${options.vhost}`;
  const own: Record<string, Record<string, string>> = {
    payment: { PROVIDER_URL: `http://127.0.0.1:${ports.provider}` },
    delivery: { WAREHOUSE_URL: `http://127.0.0.1:${ports.warehouse}` },
    notify: { SMTP_URL: `smtp://127.0.0.1:${ports.smtp}`, MAIL_FROM: 'Switchyard <orders@switchyard.example>' },
    gateway: { TOKEN_KEYS: options.secrets.tokenKeys },
    'circuit-breaker': { RABBITMQ_MANAGEMENT_URL: withoutUser(options.broker.managementUrl) },
  };
  return {
    LOG_LEVEL: 'info',
    FAULTS: 'on',
    ...options.env,
    ...own[name],
    AMQP_URL: amqp.href,
    MONGO_URL: databaseUrl(options.database.url, options.databaseName),
    HTTP_HOST: '127.0.0.1',
    HTTP_PORT: String(ports.services[name]),
  };
}

function withoutUser(url: string): string {
  const bare = new URL(url);
  bare.username = '';
  bare.password = '';
  return bare.href;
}

/** The server's URL with a database name; one that it already has stays. */
export function databaseUrl(server: string, name: string): string {
  const url = new URL(server);
  if (url.pathname === '' || url.pathname === '/') url.pathname = `/${name}`;
  return url.href;
}

/** What the services will read from the same environment. */
function timingOf(env: Readonly<Record<string, string>>) {
  const { MESSAGE_TTL_MS, GATE_DELAY_MS, GATE_CYCLE_MS, GATE_BAD_CYCLES, GATE_POLICIES } = commonConfig;
  const names = { MESSAGE_TTL_MS, GATE_DELAY_MS, GATE_CYCLE_MS, GATE_BAD_CYCLES, GATE_POLICIES };
  return timingsOf(readConfig(names, env), routeTable.routes);
}

async function allReady(urls: Readonly<Record<string, string>>, limitMs: number): Promise<void> {
  await Promise.all(
    Object.entries(urls).map(([name, url]) =>
      until(`readiness of ${name}`, limitMs, async () => {
        const response = await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(3000) });
        if (!response.ok) throw new Error(await response.text());
        return true;
      }),
    ),
  );
}
