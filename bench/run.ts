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

/** Nothing expires while it is measured. */
const TTL_MS = 60_000;
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
  const { amqpUrl, managementUrl } = broker;
  /** Provisions a vhost; gives its address. */
  async function vhost(name: string): Promise<string> {
    const topology = topologyOf(routeTable, { ttlMs: TTL_MS, delayMs: 2000 }, name);
    await provision({
      amqpUrl,
      managementUrl,
      vhost: name,
      topology,
      passwords: secrets.brokerPasswords,
      log: silentLog,
    });
    return `${amqpUrl}/${name}`;
  }
  const emptyDatabase = async (name: string) =>
    startDatabase({ ...common, dir: join(dir, name), port: await anyFreePort(), embedded: true });
  const bare: number[] = [];
  const results = new Map<Arm, (readonly Measurement[])[]>();
  for (let round = 1; round <= rounds; round += 1) {
    for (const arm of arms.filter(({ title }) => title.includes(values.only))) {
      const name = `bench-${round}-${arms.indexOf(arm)}`;
      const url = await vhost(name);
      bare.push(await bareBroker(url, 500, Math.min(seconds, 4)));
      say(`round ${round}: bare broker ${bare.at(-1)!.toFixed(0)} messages/s; now ${arm.title}`);
      const database = await emptyDatabase(name);
      try {
        const pids = { broker: broker.process?.pid(), database: database.process?.pid() };
        const mongoUrl = `${database.url}/bench`;
        const measured = await measure(arm, { amqpUrl: url, mongoUrl, pids, seconds, inFlight });
        results.set(arm, [...(results.get(arm) ?? []), measured]);
      } finally {
        await database.stop();
      }
    }
  }
  if (results.size > 0) for (const line of report(bare, results)) say(line);
  if ('gate'.includes(values.only)) {
    await benchGate({ brokerPid: broker.process?.pid(), rounds, say, vhost });
  }
  if ('workers'.includes(values.only)) {
    const name = 'bench-workers';
    const url = await vhost(name);
    const database = await emptyDatabase(name);
    try {
      const pids = { broker: broker.process?.pid(), database: database.process?.pid() };
      const urls = { amqpUrl: url, mongoUrl: `${database.url}/bench` };
      await benchWorkers({ ...urls, ttlMs: TTL_MS, pids, rounds, seconds, say });
    } finally {
      await database.stop();
    }
  }
  finish(0, '');
});
