/**
 * `npm run bench -- [--rounds 3] [--seconds 5] [--only gate|workers]`: the whole road of an order in a closed loop on a private broker
 * and the embedded database, interleaved with what the bare broker does; then the gate; then one, two and four workers. Ratios and
 * medians count; the machine's speed drifts.
 */
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type Arm, type Measurement, measure } from './arms.ts';
import { bareBroker } from './bare.ts';
import { benchGate } from './gate.ts';
import { report } from './report.ts';
import { benchWorkers } from './workers.ts';
import { stackDir } from '#local/addresses.ts';
import { startBroker } from '#local/broker.ts';
import { removeTestRun } from '#local/clean-up.ts';
import { numberOf, wholeOf } from '#local/command.ts';
import { startDatabase } from '#local/database.ts';
import { lifetime } from '#local/lifetime.ts';
import { anyFreePort } from '#local/ports.ts';
import { loadSecrets } from '#local/secrets.ts';
import { serviceNames } from '#local/service-names.ts';
import { Trouble } from '#local/trouble.ts';
import { routeTable } from '#services/routes.ts';
import { provision } from '#shared/bus/provision.ts';
import { topologyOf } from '#shared/bus/topology.ts';
import { silentLog } from '#shared/log.ts';

const arms: readonly Arm[] = [
  { title: 'one process, memory store', processes: 'one', store: 'memory' },
  { title: 'one process, embedded database', processes: 'one', store: 'embedded' },
  { title: 'a process a service, memory store', processes: 'one-each', store: 'memory' },
  { title: 'a process a service, embedded database', processes: 'one-each', store: 'embedded' },
];

const dir = join(stackDir, `bench-${process.pid}`);
const say = (text: string): void => void process.stdout.write(`${text}\n`);

await lifetime({ signalCode: 130 }, async ({ onStop, fail, finish }) => {
  const { values } = parseArgs({
    options: {
      rounds: { type: 'string', default: '3' },
      seconds: { type: 'string', default: '5' },
      only: { type: 'string', default: '' },
      'in-flight': { type: 'string', default: '1,50,500' },
    },
  });
  const rounds = wholeOf('--rounds', values.rounds, 1, 1000);
  const seconds = numberOf('--seconds', values.seconds, 0.1, 3600);
  const inFlight = values['in-flight'].split(',').map((text) => wholeOf('--in-flight', text, 1, 10_000));
  onStop(() => removeTestRun(dir));
  const common = {
    dir,
    onStop,
    recordDir: join(dir, 'run'),
    tell: (level: string, text: string) => (level === 'info' ? undefined : say(text)),
    onGivenUp: (name: string, reason: string) => fail(new Trouble(`${name} cannot run: ${reason}`)),
    output: (_source: string, line: string) => void process.stderr.write(`${line}\n`),
  };
  const secrets = loadSecrets(dir, serviceNames);
  const ports = { amqp: await anyFreePort(), management: await anyFreePort() };
  const broker = await startBroker({ ...common, ports, password: secrets.brokerAdmin, say, disposable: true });
  const bare: number[] = [];
  const results = new Map<Arm, (readonly Measurement[])[]>();
  for (let round = 1; round <= rounds; round += 1) {
    for (const arm of arms.filter(({ title }) => title.includes(values.only))) {
      const vhost = `bench-${round}-${arms.indexOf(arm)}`;
      const { amqpUrl, managementUrl } = broker;
      const topology = topologyOf(routeTable, { ttlMs: 60_000, delayMs: 2000 }, vhost);
      await provision({ amqpUrl, managementUrl, vhost, topology, passwords: secrets.brokerPasswords, log: silentLog });
      bare.push(await bareBroker(`${amqpUrl}/${vhost}`, 500, Math.min(seconds, 4)));
      say(`round ${round}: bare broker ${bare.at(-1)!.toFixed(0)} messages/s; now ${arm.title}`);
      const database = await startDatabase({
        ...common,
        dir: join(dir, vhost),
        port: await anyFreePort(),
        embedded: true,
      });
      try {
        const pids = { broker: broker.process?.pid(), database: database.process?.pid() };
        const mongoUrl = `${database.url}/bench`;
        const measured = await measure(arm, { amqpUrl: `${amqpUrl}/${vhost}`, mongoUrl, pids, seconds, inFlight });
        results.set(arm, [...(results.get(arm) ?? []), measured]);
      } finally {
        await database.stop();
      }
    }
  }
  if (results.size > 0) for (const line of report(bare, results)) say(line);
  if ('gate'.includes(values.only)) {
    const { amqpUrl, managementUrl } = broker;
    const passwords = secrets.brokerPasswords;
    await benchGate({
      brokerPid: broker.process?.pid(),
      rounds,
      say,
      async vhost(name) {
        const topology = topologyOf(routeTable, { ttlMs: 60_000, delayMs: 2000 }, name);
        await provision({ amqpUrl, managementUrl, vhost: name, topology, passwords, log: silentLog });
        return `${amqpUrl}/${name}`;
      },
    });
  }
  if ('workers'.includes(values.only)) {
    const { amqpUrl, managementUrl } = broker;
    const [vhost, ttlMs] = ['bench-workers', 60_000];
    const topology = topologyOf(routeTable, { ttlMs, delayMs: 2000 }, vhost);
    await provision({ amqpUrl, managementUrl, vhost, topology, passwords: secrets.brokerPasswords, log: silentLog });
    const database = await startDatabase({
      ...common,
      dir: join(dir, vhost),
      port: await anyFreePort(),
      embedded: true,
    });
    try {
      const pids = { broker: broker.process?.pid(), database: database.process?.pid() };
      const urls = { amqpUrl: `${amqpUrl}/${vhost}`, mongoUrl: `${database.url}/bench` };
      await benchWorkers({ ...urls, ttlMs, pids, rounds, seconds, say });
    } finally {
      await database.stop();
    }
  }
  finish(0, '');
});
