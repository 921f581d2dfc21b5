/** `npm start`: the whole of Switchyard on this machine. Its options are in the README. */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '#shared/clock.ts';
import { reasonOf } from '#shared/errors.ts';
import { createLog } from '#shared/log.ts';
import { parseTokenKeys, signToken } from '#shared/web/tokens.ts';
import {
  findAddresses,
  privateDir,
  removeAddresses,
  stackDir,
  writeAddresses,
  type Addresses,
} from '#local/stack/addresses.ts';
import { createApi } from './api.ts';
import { startBroker } from '#local/stack/broker.ts';
import type { NodePorts } from '#local/stack/broker-node.ts';
import { endRecorded } from '#local/stack/processes.ts';
import { cleanUp } from '#local/stack/clean-up.ts';
import { startCluster } from '#local/stack/cluster.ts';
import { startDatabase } from '#local/stack/database.ts';
import { placeAndFollow } from './follow.ts';
import { lifetime } from '#local/stack/lifetime.ts';
import { tryLock, unlock } from '#local/stack/lock.ts';
import { type LogFiles, openLogFiles } from '#local/stack/log-files.ts';
import { isRoutine, readableLine } from '#local/stack/log-lines.ts';
import { freePort, portFor } from '#local/stack/ports.ts';
import { loadSecrets } from '#local/stack/secrets.ts';
import { seedCustomers, seedShelves, seedSupermarkets } from '#local/stack/seed.ts';
import { brokerUsers } from '#services/services.ts';
import { databaseUrl } from '#local/stack/service-specs.ts';
import { startStack } from '#local/stack/stack.ts';
import { startCommand, startOptions } from './start-options.ts';
import { hasColours, terminal } from './terminal.ts';
import { toldBy } from './command-line.ts';
import type { Tell } from '#local/stack/supervisor.ts';
import { Trouble } from '#local/stack/trouble.ts';
import { passedOn, strangersIn } from '#local/stack/variables.ts';

const VHOST = 'switchyard';
const DEMO_LIMIT_MS = 60_000;
const CLUSTER_NODES = 3;
const OPERATOR_TOKEN_S = 30 * 24 * 3600;
const lockFile = join(stackDir, 'stack.lock');
/** Holds the process id of a stack that is stopping. */
const stoppingFile = join(stackDir, 'stopping');
const recordDir = join(stackDir, 'run');

let serving = false;
const say = (text: string): void => void process.stdout.write(`${text}\n`);
let logs: LogFiles | undefined;
/** Everything goes to the log files. Until the stack serves, only what goes wrong is shown: the first order is easier to read. */
const output = (source: string, line: string): void => {
  logs?.write(source, line);
  if (serving || !isRoutine(line)) say(readableLine(source, line, hasColours(process.stdout), Date.now));
};
const tell: Tell = (level, msg) =>
  output('supervisor', JSON.stringify({ level, time: new Date(systemClock.now()).toISOString(), msg }));

const { processes, demo, workers, cluster } = toldBy(startCommand, startOptions);

await lifetime({ signalCode: 0 }, async ({ onStop, onEnding, fail }) => {
  privateDir(stackDir);
  for (const problem of strangersIn(process.env)) say(`${problem}.`);
  await takeOver();
  logs = openLogFiles(stackDir);
  onEnding(() => {
    removeAddresses();
    writeFileSync(stoppingFile, String(process.pid));
  });
  onStop(async () => {
    await endRecorded(recordDir, 20_000); // what was still starting
    rmSync(stoppingFile, { force: true });
    unlock(lockFile);
  });
  rmSync(stoppingFile, { force: true });
  removeAddresses();
  await cleanUp(stackDir, recordDir, say);

  const secrets = loadSecrets(stackDir, brokerUsers);
  const onGivenUp = (name: string, reason: string): void => {
    const isPart = name === 'broker' || name === 'database';
    if (isPart || !serving) fail(new Trouble(`${name} cannot run: ${reason}`));
    else tell('error', `${name} is DOWN and will not be started again (${reason}); stop and start the stack`);
  };
  const common = { dir: stackDir, recordDir, output, tell, onGivenUp, onStop };
  const ports = {
    amqp: await portFor('the broker', 5672, say),
    management: await portFor("the broker's management", 15_672, say),
  };
  const mongoPort = await portFor('the database', 27_017, say);
  const brokerOptions = { ...common, password: secrets.brokerAdmin, say };
  say('Starting the broker and the database ...');
  const [broker, database] = await Promise.all([
    cluster
      ? startCluster({ ...brokerOptions, ports: [ports, ...(await morePorts(CLUSTER_NODES - 1))] })
      : startBroker({ ...brokerOptions, ports }),
    startDatabase({ ...common, port: mongoPort }),
  ]);
  say(`Broker: ${broker.description}. Database: ${database.description}.`);
  const stack = await startStack({
    ...common,
    broker,
    database,
    databaseName: VHOST,
    vhost: VHOST,
    secrets,
    processes,
    workers,
    ports: 'default',
    env: passedOn(process.env),
    say,
    log: createLog('provision', 'warn'),
  });
  onStop(() => stack.stop());
  await stack.ready();

  const operatorToken = await signToken(
    { subject: 'operator', role: 'operator', expiresInS: OPERATOR_TOKEN_S },
    parseTokenKeys(secrets.tokenKeys),
  );
  const addresses: Addresses = {
    api: stack.api,
    console: stack.console,
    inbox: stack.inbox,
    management: new URL(broker.managementUrl).origin,
    mongo: databaseUrl(database.url, VHOST),
    amqp: `${broker.amqpUrl}/${VHOST}`,
    managementUser: broker.user,
    managementPassword: broker.password,
    operatorToken,
    health: stack.urls,
    pid: process.pid,
  };
  const api = createApi(stack.api, operatorToken);
  await Promise.all([seedCustomers(api), seedShelves(api), seedSupermarkets(api)]);
  if (demo) {
    say('\nOne order on its road:\n');
    await placeAndFollow(
      api,
      { customer: 'alice', sku: 'tea', quantity: 2, method: 'pm_ok' },
      { ...terminal(process.stdout), limitMs: DEMO_LIMIT_MS },
    ).catch((error: unknown) => tell('warn', `the first order: ${reasonOf(error)}`));
  }
  writeAddresses(addresses);
  serving = true;
  say(described(addresses));
});

/** One stack a folder. A stack that is stopping (its launcher may have been killed a moment ago) is waited for. */
async function takeOver(): Promise<void> {
  for (let waitedMs = 0; ; waitedMs += 100) {
    const lock = tryLock(lockFile);
    if (lock.taken) return;
    const { pid } = lock.holder;
    const isStopping = existsSync(stoppingFile) && readFileSync(stoppingFile, 'utf8') === String(pid);
    if (isStopping && waitedMs === 0) say('Waiting for the stack that is just stopping ...');
    if (!isStopping && waitedMs >= 3000) {
      const addresses = findAddresses();
      const where = addresses
        ? `: its API is at ${addresses.api}, its inbox at ${addresses.inbox}`
        : ', which is still starting';
      throw new Trouble(
        `A stack of this folder is already running as process ${pid}${where}. Stop it with Ctrl-C in its terminal or \`kill ${pid}\`.`,
      );
    }
    await systemClock.sleep(100);
  }
}

async function morePorts(count: number): Promise<readonly NodePorts[]> {
  const ports: NodePorts[] = [];
  while (ports.length < count) ports.push({ amqp: await freePort(5673), management: await freePort(15_673) });
  return ports;
}

/** A password is for the eyes of who sits there: not for a file or a pipe that this is written to. */
function described({
  api,
  console: operators,
  inbox,
  management,
  mongo,
  managementUser,
  managementPassword,
}: Addresses): string {
  const password = process.stdout.isTTY ? managementPassword : 'in .switchyard/addresses.json';
  return `
Switchyard is running.

  API          ${api}   (${api}/openapi.json)
  Operators    ${operators}   (the same for operators alone, and what they did: ${operators}/v1/acts)
  Inbox        ${inbox}
  RabbitMQ     ${management}   user ${managementUser}, password ${password}
  MongoDB      ${mongo}

  More orders: npm run order -- --customer bob --sku coffee
  A token:     npm run token -- --customer alice      (operator's and all addresses: .switchyard/addresses.json)
  How it is:   npm run status                         (what everybody wrote: .switchyard/log/)

Ctrl-C stops everything; data stays in .switchyard/.
`;
}
