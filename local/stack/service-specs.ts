/** The processes of the services, each with what it needs in its environment. */
import { services } from '#services/services.ts';
import type { Broker } from './broker.ts';
import type { Copy } from './copies.ts';
import type { Database } from './database.ts';
import { ownProcess } from './own-process.ts';
import type { Secrets } from './secrets.ts';
import type { ProcessSpec } from './supervisor.ts';

/** What the services of a stack share. */
export interface Surroundings {
  readonly dir: string;
  readonly broker: Pick<Broker, 'amqpUrl' | 'managementUrl' | 'nodes'>;
  readonly database: Pick<Database, 'url'>;
  readonly databaseName: string;
  readonly vhost: string;
  readonly secrets: Secrets;
  /** `one`: all services in a single process. */
  readonly processes: 'one-each' | 'one';
  /** With `one`: these have a process of their own all the same. */
  readonly apart?: readonly string[];
  /** Added to the environment of every service. */
  readonly env: Readonly<Record<string, string>>;
}

export interface Ports {
  readonly inbox: number;
  readonly smtp: number;
  readonly provider: number;
  readonly warehouse: number;
  /** By name of the process. */
  readonly services: Readonly<Record<string, number>>;
}

/** One process each, or one for all but those that are apart: then those in it have a single copy each. */
export function serviceSpecs(options: Surroundings, copies: readonly Copy[], ports: Ports): readonly ProcessSpec[] {
  const { dir, processes, apart = [] } = options;
  const isAlone = ({ service }: Copy): boolean => processes === 'one-each' || apart.includes(service);
  const isOne = ({ service }: Copy): boolean => copies.filter((one) => one.service === service).length === 1;
  const alone = copies.filter(isAlone).map((copy) =>
    ownProcess(dir, {
      name: copy.name,
      file: `services/${copy.service}/main.ts`,
      env: environmentOf(options, copy, ports, isOne(copy)),
    }),
  );
  const together = copies.filter((copy) => !isAlone(copy));
  if (together.length === 0) return alone;
  const all = Object.fromEntries(together.map((copy) => [copy.service, environmentOf(options, copy, ports, true)]));
  const env = { SERVICE_ENVIRONMENTS: JSON.stringify(all) };
  return [ownProcess(dir, { name: 'services', file: 'local/stack/one-process.ts', env }), ...alone];
}

/** Each service gets its own broker user and of what the stack has to offer only the variables that it reads. */
function environmentOf(
  options: Surroundings,
  { service, name, worker }: Copy,
  ports: Ports,
  isOne: boolean,
): Record<string, string> {
  const { broker, database, databaseName, env, secrets, vhost } = options;
  const offered: Readonly<Record<string, string>> = {
    PROVIDER_URL: `http://127.0.0.1:${ports.provider}`,
    WAREHOUSE_URL: `http://127.0.0.1:${ports.warehouse}`,
    SMTP_URL: env['SMTP_URL'] ?? `smtp://127.0.0.1:${ports.smtp}`,
    TOKEN_KEYS: secrets.tokenKeys,
    VERIFICATION_CARD_SECRET: secrets.cardSecrets.verification,
    CHECKOUT_CARD: '4242 4242 4242 4242',
    // So that what a newcomer buys on the page comes to its end.
    CHECKOUT_GUEST_CREDIT: env['CHECKOUT_GUEST_CREDIT'] ?? '1000000 EUR',
    FRAUD_CARD_SECRET: secrets.cardSecrets.fraud,
    RABBITMQ_MANAGEMENT_URL: withoutUser(broker.managementUrl),
    // Several processes share the executors, one each.
    ...(!isOne && { EXECUTORS_HERE: '1' }),
  };
  const { variables = [] } = services.find(({ name: one }) => one === service) ?? {};
  const own = Object.fromEntries(Object.entries(offered).filter(([variable]) => variables.includes(variable)));
  const asService = (server: string): string => brokerUrl(server, vhost, service, secrets);
  return {
    LOG_LEVEL: 'info',
    FAULTS: 'on',
    ...env,
    ...own,
    WORKER_ID: worker,
    AMQP_URL: (broker.nodes ?? [broker.amqpUrl]).map(asService).join(','),
    MONGO_URL: databaseUrl(database.url, databaseName),
    HTTP_HOST: '127.0.0.1',
    HTTP_PORT: String(ports.services[name]),
  };
}

/** What a service, or a publisher that is not ours, connects with. */
export function brokerUrl(
  server: string,
  vhost: string,
  user: string,
  { brokerPasswords }: Pick<Secrets, 'brokerPasswords'>,
): string {
  const url = new URL(server);
  url.username = `${vhost}.${user}`;
  url.password = brokerPasswords[user] ?? '';
  url.pathname = `/${vhost}`;
  return url.href;
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
