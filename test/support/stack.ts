/** A whole real stack for an end-to-end test: the code of `npm start` on the test run's broker and database. */
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { parseTokenKeys, signToken } from '#shared/web/tokens.ts';
import { createApi, type Api } from '#local/commands/api.ts';
import { stockShelves } from '#local/commands/simulator/shelves.ts';
import { type Broker, startBroker } from '#local/stack/broker.ts';
import { type ClusterMember, startCluster } from '#local/stack/cluster.ts';
import type { Copies } from '#local/stack/copies.ts';
import type { Good } from '#local/stack/demo-catalogue.ts';
import { startDatabase } from '#local/stack/database.ts';
import { readableLine } from '#local/stack/log-lines.ts';
import { strangersIn } from '#local/stack/variables.ts';
import type { NodePorts } from '#local/stack/broker-node.ts';
import { anyFreePort } from '#local/stack/ports.ts';
import { loadSecrets } from '#local/stack/secrets.ts';
import { brokerUsers } from '#services/services.ts';
import { databaseUrl, type Ports, type Surroundings } from '#local/stack/service-specs.ts';
import { startStack as startParts } from '#local/stack/stack.ts';
import type { Supervised, SuperviseOptions } from '#local/stack/supervisor.ts';
import { systemClock } from '#shared/clock.ts';
import { silentLog } from '#shared/log.ts';
import { goods } from './goods.ts';
import { relayTo, startTcpProxy, type TcpProxy, through } from './tcp-proxy.ts';
import { patience } from './until.ts';

export interface TestStackOptions {
  /** Services that the test kills, freezes or stops, each a process of its own. One process runs all others, which costs the machine much less. */
  readonly apart?: readonly string[];
  readonly processes?: 'one-each' | 'one';
  /** Copies of services, e.g. `{ payment: 3 }`: their processes are `payment-1`, `payment-2`, `payment-3`; every service is a process then. */
  readonly workers?: Copies;
  /** For every service, e.g. shorter times. */
  readonly env?: Readonly<Record<string, string>>;
  /** What is on the shelves, in the place of what tests usually order. */
  readonly goods?: readonly Good[];
  /** A broker node of its own, which the test may stop and kill. */
  readonly ownBroker?: boolean;
  /** Three broker nodes of its own that are one broker; their processes are `broker-1`, `broker-2`, `broker-3`. */
  readonly cluster?: boolean;
  /** An embedded database process of its own, which the test may stop and kill. */
  readonly ownDatabase?: boolean;
  /** With so much data the stack's own database takes no more. */
  readonly databaseBytes?: number;
  /** The services reach broker, database and mail server through relays that the test may cut. */
  readonly relayed?: boolean;
}

export interface Relays {
  readonly broker: TcpProxy;
  readonly database: TcpProxy;
  readonly mailServer: TcpProxy;
}

/** What more processes of services on the same broker and database need. */
export type StackParts = Surroundings & SuperviseOptions & { readonly ports: Ports };

export interface TestStack extends AsyncDisposable {
  /** The folder of what it writes; its own broker's is `broker` in there. */
  readonly dir: string;
  /** What its processes are made from, for others beside them. */
  readonly parts: StackParts;
  /** As the operator. */
  readonly api: Api;
  readonly apiUrl: string;
  readonly inboxUrl: string;
  /** The simulated warehouse: `GET /calls`, `PUT /script/{orderId}`. */
  readonly warehouseUrl: string;
  readonly operatorToken: string;
  readonly vhost: string;
  /** An administrator's, with the vhost. */
  readonly amqpUrl: string;
  readonly managementUrl: string;
  /** With the database's name. */
  readonly mongoUrl: string;
  /** Where each process of a service, by its name, answers `/readyz` and `/metrics`. */
  readonly urls: Readonly<Record<string, string>>;
  /** Of a cluster; empty otherwise. */
  readonly brokerNodes: readonly ClusterMember[];
  /** Of a relayed stack. */
  readonly relays: Relays | undefined;
  tokenOf(customer: string): Promise<string>;
  /** A process of the stack: a service, `inbox`, `provider`, `warehouse`, and `broker`, `broker-1` ... or `database` when it is the stack's own. */
  process(name: string): Supervised;
  /** Sends a signal; the supervisor starts it again when it ends. */
  kill(name: string, signal?: NodeJS.Signals): void;
  /** Resolves when every service is ready; a busy machine gets more time (`patience`). */
  ready(limitMs?: number): Promise<void>;
  /** Everything that the processes wrote, readable; for the message of a failed test. */
  logs(): readonly string[];
  stop(): Promise<void>;
}

/** Times short enough for tests that wait for a timeout; a step that is not answered is undone after 7 s. */
export const SHORT_TIMES: Readonly<Record<string, string>> = {
  MESSAGE_TTL_MS: '2000',
  GATE_DELAY_MS: '500',
  GATE_CYCLE_MS: '3000',
  STEP_DEADLINE_MS: '7000',
  ORDER_RETRY_MS: '50',
  SAGA_DEADLINE_MS: '30000',
};

/** A test machine that is busy with something else is not too many orders. */
const PATIENT: Readonly<Record<string, string>> = { GATEWAY_MAX_WAIT_MS: '60000', ORDER_RETRY_MS: '50' };

/** Resolves when every service is ready. `SWITCHYARD_TEST_LOGS=1` shows what the processes write. */
export async function startStack(options: TestStackOptions = {}): Promise<TestStack> {
  const [stranger] = strangersIn(options.env ?? {});
  if (stranger !== undefined) throw new Error(stranger);
  const id = `e2e-${process.pid}-${(stacks += 1)}`;
  const dir = join(setByRunner('SWITCHYARD_TEST_DIR'), id);
  mkdirSync(dir, { recursive: true });
  const lines: string[] = [];
  const output = (source: string, line: string): void => {
    lines.push(readableLine(source, line, false, Date.now));
    if (process.env['SWITCHYARD_TEST_LOGS']) process.stderr.write(`${lines.at(-1)}\n`);
  };
  const tell = (level: string, msg: string): void => output('supervisor', JSON.stringify({ level, msg }));
  // The run's folder, so that what a killed test leaves behind is ended with the run.
  const recordDir = join(dir, 'run');
  const undo: (() => Promise<void>)[] = [async () => rmSync(dir, { recursive: true, force: true })];
  const common = {
    dir,
    recordDir,
    output,
    tell,
    onGivenUp: (name: string, reason: string) => tell('error', `${name}: ${reason}`),
    onStop: (step: () => Promise<void>) => void undo.push(step),
  };
  const secrets = loadSecrets(dir, brokerUsers);
  const stop = async (): Promise<void> => {
    for (const step of undo.splice(0).toReversed()) await step();
  };
  try {
    const own = { ...common, say: () => {}, password: secrets.brokerAdmin, disposable: true };
    const cluster = options.cluster
      ? await startCluster({ ...own, ports: [await nodePorts(), await nodePorts(), await nodePorts()] })
      : undefined;
    const broker: Pick<Broker, 'amqpUrl' | 'managementUrl' | 'nodes' | 'process'> =
      cluster ??
      (options.ownBroker
        ? await startBroker({ ...own, ports: await nodePorts() })
        : {
            amqpUrl: setByRunner('SWITCHYARD_TEST_AMQP_URL'),
            managementUrl: setByRunner('SWITCHYARD_TEST_MANAGEMENT_URL'),
            process: undefined,
          });
    if (!cluster && !options.ownBroker) undo.push(() => removeVhost(id));
    const database = options.ownDatabase
      ? await startDatabase({
          ...common,
          port: await anyFreePort(),
          embedded: true,
          ...(options.databaseBytes !== undefined && { maxBytes: options.databaseBytes }),
        })
      : { url: setByRunner('SWITCHYARD_TEST_MONGO_URL'), process: undefined };
    let smtpPort = 0;
    const relays = options.relayed
      ? {
          broker: await relayTo(broker.amqpUrl),
          database: await relayTo(database.url),
          mailServer: await startTcpProxy('127.0.0.1', () => smtpPort),
        }
      : undefined;
    for (const relay of Object.values(relays ?? {})) undo.push(() => relay.close());
    const parts = {
      ...common,
      broker: relays ? { ...broker, amqpUrl: through(relays.broker, broker.amqpUrl) } : broker,
      database: relays ? { ...database, url: through(relays.database, database.url) } : database,
      databaseName: id,
      vhost: id,
      secrets,
      processes: options.processes ?? (options.workers === undefined ? ('one' as const) : ('one-each' as const)),
      apart: options.apart ?? [],
      workers: options.workers ?? {},
      env: { ...PATIENT, ...options.env, ...(relays && { SMTP_URL: `smtp://127.0.0.1:${relays.mailServer.port}` }) },
    };
    const stack = await startParts({ ...parts, ports: 'any', say: () => {}, log: silentLog });
    smtpPort = stack.smtpPort;
    undo.push(() => stack.stop());
    await stack.ready(patience(60_000));
    const keys = parseTokenKeys(secrets.tokenKeys);
    const tokenFor = (subject: string, role: 'operator' | 'customer'): Promise<string> =>
      signToken({ subject, role, expiresInS: 3600 }, keys);
    const operatorToken = await tokenFor('operator', 'operator');
    const api = createApi(stack.api, operatorToken);
    await stockShelves({ api, clock: systemClock, run: id }, options.goods ?? goods);
    const processNamed = (name: string): Supervised => {
      const found =
        stack.processes.get(name) ??
        cluster?.members.find((member) => member.name === name)?.process ??
        (name === 'broker' ? broker.process : name === 'database' ? database.process : undefined);
      if (!found) throw new Error(`this stack has no process ${name} of its own`);
      return found;
    };
    return {
      dir,
      parts: { ...parts, ports: stack.ports },
      api,
      apiUrl: stack.api,
      inboxUrl: stack.inbox,
      warehouseUrl: stack.warehouse,
      operatorToken,
      vhost: id,
      amqpUrl: `${broker.amqpUrl}/${id}`,
      managementUrl: broker.managementUrl,
      mongoUrl: databaseUrl(database.url, id),
      urls: stack.urls,
      brokerNodes: cluster?.members ?? [],
      relays,
      tokenOf: (customer) => tokenFor(customer, 'customer'),
      process: processNamed,
      kill(name, signal = 'SIGKILL') {
        if (!processNamed(name).kill(signal)) throw new Error(`${name} is not running`);
      },
      ready: (limitMs = 60_000) => stack.ready(patience(limitMs)),
      logs: () => lines,
      stop,
      [Symbol.asyncDispose]: stop,
    };
  } catch (error) {
    await stop();
    throw new Error(`the stack did not start: ${String(error)}\n${lines.slice(-40).join('\n')}`, { cause: error });
  }
}

let stacks = 0;

async function nodePorts(): Promise<NodePorts> {
  return { amqp: await anyFreePort(), management: await anyFreePort() };
}

function setByRunner(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set: run this test with \`npm test -- <file>\``);
  return value;
}

/** The vhost goes, and the users that were made for it. */
async function removeVhost(vhost: string): Promise<void> {
  const url = new URL(setByRunner('SWITCHYARD_TEST_MANAGEMENT_URL'));
  const authorization = `Basic ${btoa(`${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`)}`;
  const remove = (path: string): Promise<unknown> =>
    fetch(new URL(path, url.origin), { method: 'DELETE', headers: { authorization } });
  await remove(`/api/vhosts/${vhost}`);
  await Promise.all(brokerUsers.map((service) => remove(`/api/users/${vhost}.${service}`)));
}
