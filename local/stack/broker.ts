import { chownSync } from 'node:fs';
import { join } from 'node:path';
import { ADMIN, findRabbitServer, type NodePorts, privateNode, writeNodeConfiguration } from './broker-node.ts';
import { canInstall, installRabbit } from './broker-install.ts';
import { BROKER_IMAGE, container, engineAnswers, hasImage, pullImage } from './docker.ts';
import type { Guarded } from './guardian.ts';
import { guardedProcess, projectDir } from './own-process.ts';
import { supervise, type Supervised, type Tell } from './supervisor.ts';
import { Trouble } from './trouble.ts';
import { START_LIMIT_MS, waitFor } from './wait-for.ts';

export interface BrokerOptions {
  /** Everything of a private node is in `<dir>/broker`. */
  readonly dir: string;
  readonly recordDir: string;
  readonly ports: NodePorts;
  readonly password: string;
  readonly say: (text: string) => void;
  readonly tell: Tell;
  readonly onGivenUp: (name: string, reason: string) => void;
  /** Gets what stops it as soon as there is something to stop, before it is ready. */
  readonly onStop: (stop: () => Promise<void>) => void;
  /** Its data is not needed again: stopping kills it at once. */
  readonly disposable?: boolean;
}

export interface Broker {
  /** For a person: which one it is. */
  readonly description: string;
  /** An administrator's, without a virtual host. */
  readonly amqpUrl: string;
  readonly managementUrl: string;
  /** Of a cluster: every node's `amqpUrl`. */
  readonly nodes?: readonly string[];
  readonly user: string;
  readonly password: string;
  /** The process that holds the node and starts it again; undefined when the broker is not ours. */
  readonly process: Supervised | undefined;
  stop(): Promise<void>;
}

/** `rabbitmq` in the official image. */
const IMAGE_USER = 999;
const HOW_TO = `install RabbitMQ 3.10 or newer (Debian, Ubuntu: sudo apt-get install rabbitmq-server; macOS: brew install rabbitmq), or start Docker, or set RABBITMQ_URL and RABBITMQ_MANAGEMENT_URL`;
/** Of a broker of others, whose end nobody would tell. */
const ANSWER_LIMIT_MS = 90_000;

/**
 * The broker, from the first source that there is: `RABBITMQ_URL`, an installed RabbitMQ as a private node, Docker, Debian's
 * package. `SWITCHYARD_BROKER` = `node` | `docker` allows only that one. Resolves when the management API answers.
 * @throws {Trouble} when there is none
 */
export async function startBroker(options: BrokerOptions): Promise<Broker> {
  const url = process.env['RABBITMQ_URL'];
  if (url) {
    const broker = external(url, process.env['RABBITMQ_MANAGEMENT_URL']);
    await brokerReady(broker, ANSWER_LIMIT_MS);
    return broker;
  }
  const only = process.env['SWITCHYARD_BROKER'];
  if (only !== 'docker') {
    const server = findRabbitServer();
    if (server) return runNode(options, server);
  }
  if (only !== 'node' && (await hasImage(BROKER_IMAGE))) return runContainer(options);
  if (only !== 'docker' && canInstall()) {
    await installRabbit(join(projectDir, '.switchyard/apt.lock'), options.say);
    const server = findRabbitServer();
    if (server) return runNode(options, server);
  }
  if (only !== 'node' && (await engineAnswers())) {
    options.say(`Pulling ${BROKER_IMAGE} ...`);
    if (await pullImage(BROKER_IMAGE)) return runContainer(options);
  }
  throw new Trouble(`There is no RabbitMQ here: ${HOW_TO}; then run the command again.`);
}

function external(url: string, managementUrl: string | undefined): Broker {
  if (!managementUrl)
    throw new Trouble(
      'RABBITMQ_URL is set: set RABBITMQ_MANAGEMENT_URL too, for example http://admin:secret@127.0.0.1:15672',
    );
  const amqp = new URL(url);
  const management = new URL(managementUrl);
  management.username ||= amqp.username;
  management.password ||= amqp.password;
  return {
    description: `RabbitMQ at ${amqp.host} (RABBITMQ_URL)`,
    amqpUrl: `amqp://${amqp.username}:${amqp.password}@${amqp.host}`,
    managementUrl: management.href.replace(/\/$/, ''),
    user: decodeURIComponent(amqp.username),
    password: decodeURIComponent(amqp.password),
    process: undefined,
    stop: async () => {},
  };
}

async function runNode(options: BrokerOptions, server: string): Promise<Broker> {
  const dir = join(options.dir, 'broker');
  const guarded = await privateNode({ ...options, server, dir });
  return run(
    options,
    options.disposable ? guarded.map((one) => ({ ...one, graceMs: 0 })) : guarded,
    'a private RabbitMQ node',
    `its log is in ${join(dir, 'log')}`,
  );
}

async function runContainer(options: BrokerOptions): Promise<Broker> {
  const dir = join(options.dir, 'broker-container');
  const conf = join(dir, 'conf');
  writeNodeConfiguration(conf, '/etc/switchyard', [], options.password);
  // Started by root, the image goes on as its own user, who reads what nobody else may.
  if (process.getuid?.() === 0) chownSync(join(conf, 'definitions.json'), IMAGE_USER, IMAGE_USER);
  const guarded = await container({
    name: 'broker',
    image: BROKER_IMAGE,
    dir,
    recordDir: options.recordDir,
    ports: { 5672: options.ports.amqp, 15672: options.ports.management },
    volumes: { [conf]: '/etc/switchyard', [join(dir, 'data')]: '/var/lib/rabbitmq' },
    env: {
      RABBITMQ_NODENAME: 'switchyard@localhost',
      RABBITMQ_CONFIG_FILE: '/etc/switchyard/rabbitmq.conf',
      RABBITMQ_ADVANCED_CONFIG_FILE: '/etc/switchyard/advanced.config',
      RABBITMQ_ENABLED_PLUGINS_FILE: '/etc/switchyard/enabled_plugins',
    },
  });
  return run(options, [guarded], `${BROKER_IMAGE} in Docker`, 'it said nothing');
}

async function run(
  options: BrokerOptions,
  guarded: readonly Guarded[],
  description: string,
  hint: string,
): Promise<Broker> {
  let tail: readonly string[] = [];
  let givenUp: string | undefined;
  const { ports, password } = options;
  const node = supervise(guardedProcess(options.dir, 'broker', guarded), {
    recordDir: options.recordDir,
    output: (_source, line) => (tail = [...tail, line].slice(-20)),
    tell: options.tell,
    policy: { backoff: { baseMs: 500, capMs: 5000 }, maxRestarts: 5, windowMs: 60_000 },
    onGivenUp: (name, reason) => {
      givenUp = `${reason}; ${tail.join(' | ') || hint}`;
      options.onGivenUp(name, reason);
    },
  });
  options.onStop(() => node.stop());
  const broker: Broker = {
    description,
    amqpUrl: `amqp://${ADMIN}:${password}@127.0.0.1:${ports.amqp}`,
    managementUrl: `http://${ADMIN}:${password}@127.0.0.1:${ports.management}`,
    user: ADMIN,
    password,
    process: node,
    stop: () => node.stop(),
  };
  try {
    await brokerReady(broker, START_LIMIT_MS, () => givenUp);
  } catch (error) {
    await node.stop();
    throw error;
  }
  return broker;
}

/** Waits until the management API answers the administrator; refuses a version without at-least-once dead-lettering. */
export async function brokerReady(
  broker: Pick<Broker, 'managementUrl'>,
  limitMs: number,
  stop?: () => string | undefined,
): Promise<void> {
  const url = new URL('/api/overview', broker.managementUrl);
  const authorization = `Basic ${Buffer.from(`${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`).toString('base64')}`;
  url.username = '';
  url.password = '';
  let version = '';
  await waitFor(
    'the start of RabbitMQ',
    limitMs,
    async () => {
      const response = await fetch(url, { headers: { authorization }, signal: AbortSignal.timeout(3000) });
      if (response.ok) version = ((await response.json()) as { rabbitmq_version?: string }).rabbitmq_version ?? '';
      return response.ok;
    },
    stop,
  );
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major < 3 || (major === 3 && minor < 10)) throw new Trouble(`This RabbitMQ is ${version}: ${HOW_TO}.`);
}
