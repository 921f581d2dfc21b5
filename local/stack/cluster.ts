/** Three private RabbitMQ nodes on this machine that are one broker: quorum queues have a member on each, and one node may die. */
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connectManagement } from '#shared/bus/topology/management.ts';
import { type Broker, type BrokerOptions, brokerReady } from './broker.ts';
import { canInstall, installRabbit } from './broker-install.ts';
import { ADMIN, epmdProgram, findRabbitServer, type NodePorts, nodeProgram } from './broker-node.ts';
import type { Guarded } from './guardian.ts';
import { guardedProcess, projectDir } from './own-process.ts';
import { anyFreePort } from './ports.ts';
import { recordedPid } from './processes.ts';
import { supervise, type Supervised } from './supervisor.ts';
import { Trouble } from './trouble.ts';
import { START_LIMIT_MS, waitFor } from './wait-for.ts';

export interface ClusterOptions extends Omit<BrokerOptions, 'ports'> {
  /** One for each node. */
  readonly ports: readonly NodePorts[];
}

export interface ClusterMember {
  /** `broker-1` ... */
  readonly name: string;
  /** An administrator's, without a virtual host. */
  readonly amqpUrl: string;
  readonly managementUrl: string;
  /** Holds the node and starts it again when it ends. */
  readonly process: Supervised;
  /** Of the Erlang machine itself; undefined while it is down. */
  serverPid(): number | undefined;
}

export interface Cluster extends Broker {
  readonly members: readonly ClusterMember[];
}

/**
 * Everything is in `<dir>/cluster`. The first start lets the others join the first node; later ones start all at once,
 * because each waits for the others. Resolves when all are running members of one cluster.
 * @throws {Trouble} when there is no RabbitMQ to run
 */
export async function startCluster(options: ClusterOptions): Promise<Cluster> {
  const server = await serverScript(options.say);
  const home = join(options.dir, 'cluster');
  const formed = join(home, 'formed');
  // Nothing was ever published to a cluster that was not complete.
  if (!existsSync(formed)) rmSync(home, { recursive: true, force: true });
  mkdirSync(home, { recursive: true });
  writeCookie(home);
  const epmdPort = await anyFreePort();
  const epmd = epmdProgram(home, options.recordDir, epmdPort);
  const started: Supervised[] = [];
  const holder = epmd.length === 0 ? undefined : superviseIn(options, 'epmd-holder', epmd, () => {});
  const stop = async (): Promise<void> => {
    await Promise.all(started.map((one) => one.stop()));
    await holder?.stop();
  };
  options.onStop(stop);

  let givenUp: string | undefined;
  const start = async (index: number): Promise<ClusterMember> => {
    const name = nameOf(index);
    const program = await nodeProgram({
      ...options,
      server,
      home,
      epmdPort,
      ports: options.ports[index]!,
      dir: join(home, String(index + 1)),
      name: nodeOf(index),
      record: `rabbitmq-${index + 1}`,
      settings: index === 0 ? [] : JOIN_THE_FIRST,
    });
    const process = superviseIn(options, name, [program], (reason) => (givenUp = `${name} ${reason}`));
    started.push(process);
    return {
      name,
      ...addressesOf(options.ports[index]!, options.password),
      process,
      serverPid: () => recordedPid(options.recordDir, program.name),
    };
  };
  const ready = (member: ClusterMember): Promise<void> => brokerReady(member, START_LIMIT_MS, () => givenUp);

  const indexes = options.ports.keys().toArray();
  const members: ClusterMember[] = [];
  if (!existsSync(formed)) {
    const first = await start(0);
    await ready(first);
    members.push(first);
  }
  members.push(...(await Promise.all(indexes.slice(members.length).map(start))));
  await Promise.all(members.map(ready));
  await waitFor(
    'forming the cluster',
    START_LIMIT_MS,
    () => isComplete(members),
    () => givenUp,
  );
  writeFileSync(formed, '');

  const [first] = members;
  if (first === undefined) throw new RangeError('a cluster has at least one node');
  const { amqpUrl, managementUrl } = first;
  return {
    description: `a cluster of ${members.length} private RabbitMQ nodes`,
    amqpUrl,
    managementUrl,
    nodes: members.map((member) => member.amqpUrl),
    user: ADMIN,
    password: options.password,
    process: undefined,
    members,
    stop,
  };
}

const nameOf = (index: number): string => `broker-${index + 1}`;
const nodeOf = (index: number): string => `switchyard-${index + 1}`;

/** Counts only for a node without data. */
const JOIN_THE_FIRST = [
  'cluster_formation.peer_discovery_backend = classic_config',
  `cluster_formation.classic_config.nodes.1 = ${nodeOf(0)}@localhost`,
];

async function serverScript(say: (text: string) => void): Promise<string> {
  if (process.env['RABBITMQ_URL'])
    throw new Trouble('--cluster starts brokers of its own: leave RABBITMQ_URL unset, or --cluster out');
  const found = findRabbitServer();
  if (found !== undefined) return found;
  if (canInstall()) await installRabbit(join(projectDir, '.switchyard/apt.lock'), say);
  const server = findRabbitServer();
  if (server === undefined)
    throw new Trouble(
      '--cluster needs an installed RabbitMQ (Debian, Ubuntu: sudo apt-get install rabbitmq-server; macOS: brew install rabbitmq); in Docker: docker compose --profile cluster up',
    );
  return server;
}

/** Erlang nodes talk only to nodes with the same one. */
function writeCookie(home: string): void {
  const file = join(home, '.erlang.cookie');
  if (!existsSync(file)) writeFileSync(file, randomBytes(24).toString('hex'), { mode: 0o400 });
}

function addressesOf({ amqp, management }: NodePorts, password: string) {
  return {
    amqpUrl: `amqp://${ADMIN}:${password}@127.0.0.1:${amqp}`,
    managementUrl: `http://${ADMIN}:${password}@127.0.0.1:${management}`,
  };
}

function superviseIn(
  options: ClusterOptions,
  name: string,
  guarded: readonly Guarded[],
  givenUp: (reason: string) => void,
): Supervised {
  const quick = options.disposable ? guarded.map((one) => ({ ...one, graceMs: 0 })) : guarded;
  let tail: readonly string[] = [];
  return supervise(guardedProcess(options.dir, name, quick), {
    recordDir: options.recordDir,
    output: (_source, line) => (tail = [...tail, line].slice(-20)),
    tell: options.tell,
    policy: { backoff: { baseMs: 500, capMs: 5000 }, maxRestarts: 5, windowMs: 60_000 },
    onGivenUp: (who, reason) => {
      givenUp(`${reason}; ${tail.join(' | ')}`);
      options.onGivenUp(who, reason);
    },
  });
}

/** Every node sees all of them running. */
async function isComplete(members: readonly ClusterMember[]): Promise<boolean> {
  const views = await Promise.all(
    members.map(async ({ managementUrl }) => {
      const nodes = await connectManagement(managementUrl).get<readonly { readonly running: boolean }[]>('/nodes');
      return (nodes ?? []).filter(({ running }) => running).length;
    }),
  );
  return views.every((running) => running === members.length);
}
