/** A private RabbitMQ node: everything that it writes is in one folder, everything that it listens on is loopback. */
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, globSync, mkdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import type { Guarded } from './guardian.ts';
import { baseEnvironment, projectDir } from './own-process.ts';
import { anyFreePort } from './ports.ts';

export interface NodePorts {
  readonly amqp: number;
  readonly management: number;
}

export const ADMIN = 'switchyard-admin';

const SYSTEM_DIRS = ['/usr/sbin', '/usr/local/sbin', '/opt/homebrew/sbin'];
const DEBIAN_SERVER = '/usr/lib/rabbitmq/lib/rabbitmq_server-*/sbin/rabbitmq-server';
const OURS =
  /^\s*(listeners|management\.(tcp|load_definitions)|prometheus\.tcp|load_definitions|definitions|default_(user|pass)|log)\b/;

/**
 * The server script to run, undefined when RabbitMQ is not installed. Debian's command in the PATH changes to the user
 * `rabbitmq`, who cannot reach our folder; the script behind it runs as the caller.
 */
export function findRabbitServer(): string | undefined {
  const debian = globSync(DEBIAN_SERVER).sort().at(-1);
  const dirs = [...(process.env['PATH'] ?? '').split(delimiter), ...SYSTEM_DIRS];
  const command = dirs.map((dir) => join(dir, 'rabbitmq-server')).find((file) => existsSync(file));
  if (command === undefined) return debian;
  const isWrapper = readFileSync(realpathSync(command), 'utf8').includes('su rabbitmq');
  return isWrapper ? debian : command;
}

/**
 * Writes the configuration: the project's `rabbitmq/` files with our own ports and one administrator, whose password is set
 * again at every boot (so that data and secrets can never disagree). `inside` is the folder as the node sees it.
 */
export function writeNodeConfiguration(
  dir: string,
  inside: string,
  listeners: readonly string[],
  password: string,
): void {
  mkdirSync(dir, { recursive: true });
  const shared = projectFile('rabbitmq.conf').split('\n');
  const kept = shared.filter((line) => line.trim() !== '' && !line.trim().startsWith('#') && !OURS.test(line));
  const own = [...listeners, `load_definitions = ${inside}/definitions.json`];
  writeFileSync(join(dir, 'rabbitmq.conf'), `${[...kept, ...own].join('\n')}\n`);
  for (const name of ['advanced.config', 'enabled_plugins']) {
    writeFileSync(join(dir, name), projectFile(name));
  }
  const administrator = {
    name: ADMIN,
    password_hash: passwordHash(password),
    hashing_algorithm: 'rabbit_password_hashing_sha256',
    tags: 'administrator',
  };
  const everything = { user: ADMIN, vhost: '/', configure: '.*', write: '.*', read: '.*' };
  const definitions = { users: [administrator], vhosts: [{ name: '/' }], permissions: [everything] };
  writeFileSync(join(dir, 'definitions.json'), JSON.stringify(definitions, null, 2), { mode: 0o600 });
}

export interface NodeOptions {
  /** The server script. */
  readonly server: string;
  readonly dir: string;
  readonly recordDir: string;
  readonly ports: NodePorts;
  readonly password: string;
}

/** The programs of a single node: its own epmd (a shared one would outlive it), then the server, which finds that one. */
export async function privateNode(options: NodeOptions): Promise<readonly Guarded[]> {
  const { dir, recordDir } = options;
  const epmdPort = await anyFreePort();
  const node = await nodeProgram({ ...options, name: 'switchyard', record: 'rabbitmq', home: dir, epmdPort });
  return [...epmdProgram(dir, recordDir, epmdPort), node];
}

/** The server alone; somebody runs the epmd at that port. */
export async function nodeProgram({
  server,
  dir,
  recordDir,
  ports,
  password,
  name,
  record,
  home,
  epmdPort,
  settings = [],
}: NodeOptions & {
  /** The node is `<name>@localhost`. */
  readonly name: string;
  /** Under this name its process is recorded. */
  readonly record: string;
  /** Where the cookie is: the same for all nodes of a cluster. */
  readonly home: string;
  readonly epmdPort: number;
  /** More lines for its `rabbitmq.conf`. */
  readonly settings?: readonly string[];
}): Promise<Guarded> {
  const [prometheus, distribution] = [await anyFreePort(), await anyFreePort()];
  const listeners = [
    `listeners.tcp.local = 127.0.0.1:${ports.amqp}`,
    'management.tcp.ip = 127.0.0.1',
    `management.tcp.port = ${ports.management}`,
    'prometheus.tcp.ip = 127.0.0.1',
    `prometheus.tcp.port = ${prometheus}`,
    'log.console = false',
    'log.file.rotation.size = 10485760',
    'log.file.rotation.count = 3',
    ...settings,
  ];
  writeNodeConfiguration(dir, dir, listeners, password);
  const env = {
    ...baseEnvironment(dir),
    HOME: home,
    ERL_EPMD_ADDRESS: '127.0.0.1',
    ERL_EPMD_PORT: String(epmdPort),
    RABBITMQ_NODENAME: `${name}@localhost`,
    RABBITMQ_DIST_PORT: String(distribution),
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: '-kernel inet_dist_use_interface {127,0,0,1}',
    RABBITMQ_MNESIA_BASE: join(dir, 'data'),
    RABBITMQ_LOG_BASE: join(dir, 'log'),
    RABBITMQ_CONFIG_FILE: join(dir, 'rabbitmq.conf'),
    RABBITMQ_ADVANCED_CONFIG_FILE: join(dir, 'advanced.config'),
    RABBITMQ_ENABLED_PLUGINS_FILE: join(dir, 'enabled_plugins'),
    RABBITMQ_FEATURE_FLAGS_FILE: join(dir, 'feature_flags'),
    RABBITMQ_PID_FILE: join(dir, 'pid'),
    RABBITMQ_CONF_ENV_FILE: join(dir, 'no-such-file'),
    // The script then becomes the server instead of waiting for it as a second process.
    detached: 'true',
  };
  writeAdministration(dir, server, env);
  return { name: record, command: server, args: [], env, cwd: dir, graceMs: 15_000, recordDir };
}

/** `rabbitmqctl` in the node's folder administers this very node, e.g. `rabbitmqctl list_queues`. */
function writeAdministration(dir: string, server: string, env: Readonly<Record<string, string>>): void {
  const quoted = (value: string): string => `'${value.replaceAll("'", `'\\''`)}'`;
  const exports = Object.entries(env).map(([name, value]) => `export ${name}=${quoted(value)}`);
  const script = ['#!/bin/sh', ...exports, `exec ${quoted(join(dirname(server), 'rabbitmqctl'))} "$@"`, ''];
  writeFileSync(join(dir, 'rabbitmqctl'), script.join('\n'), { mode: 0o700 });
}

/** None where it is not found: then the server starts one itself. */
export function epmdProgram(dir: string, recordDir: string, port: number): readonly Guarded[] {
  const command = findEpmd();
  if (command === undefined) return [];
  const args = ['-address', '127.0.0.1', '-port', String(port)];
  return [{ name: 'epmd', command, args, env: baseEnvironment(dir), cwd: dir, graceMs: 1000, recordDir }];
}

function findEpmd(): string | undefined {
  const dirs = (process.env['PATH'] ?? '').split(delimiter);
  return (
    globSync(['/usr/lib/erlang/erts-*/bin/epmd', '/opt/homebrew/lib/erlang/erts-*/bin/epmd']).sort().at(-1) ??
    dirs.map((dir) => join(dir, 'epmd')).find((file) => existsSync(file))
  );
}

/** RabbitMQ's salted SHA-256 (documentation, "Passwords"). */
function passwordHash(password: string): string {
  const salt = randomBytes(4);
  const digest = createHash('sha256').update(salt).update(password, 'utf8').digest();
  return Buffer.concat([salt, digest]).toString('base64');
}

function projectFile(name: string): string {
  return readFileSync(join(projectDir, 'rabbitmq', name), 'utf8');
}
