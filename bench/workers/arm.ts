import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Arm, Sample } from '#bench/arm.ts';
import { cpuSeconds, machineSeconds } from '#bench/cpu.ts';
import { connected } from '#bench/gate/rate.ts';
import type { WorkersProcessOptions } from './process.ts';
import { TTL_MS } from '#bench/world.ts';
import { projectDir } from '#local/stack/own-process.ts';
import { create } from '#services/payment/contract.ts';
import { routeTable } from '#services/services.ts';
import type { Bus } from '#shared/bus/bus.ts';
import { encode } from '#shared/bus/envelope.ts';
import { inbox, partitionQueues } from '#shared/bus/topology/topology.ts';
import { systemClock as clock } from '#shared/clock.ts';

interface Slice {
  readonly perS: number;
  readonly cores: Readonly<Record<string, number>>;
}

interface WorkersOptions {
  readonly amqpUrl: string;
  readonly mongoUrl: string;
  /** To account CPU by process. */
  readonly pids: { readonly broker: number | undefined; readonly database: number | undefined };
  readonly seconds: number;
}

const WAIT_MS = 20;
const CONCURRENCY = 8;
const COUNTS = [1, 2, 4] as const;
/** On their way at any time: enough for every worker to have more than it may work on. */
const IN_FLIGHT = 800;

/** How throughput grows with workers that wait for something outside: one partition each has one worker, whoever has how many. */
export const workersArm: Arm = {
  name: 'workers',
  title: '1, 2 and 4 workers that wait',
  group: 'workers',
  async run({ world, round, settings }) {
    const name = `workers-${round}`;
    const broker = await world.broker();
    const amqpUrl = await world.vhost(name);
    const database = await world.database(name);
    const pids = { broker: broker.process?.pid(), database: database.process?.pid() };
    const options = { amqpUrl, mongoUrl: `${database.url}/bench`, pids, seconds: settings.seconds };
    const bus = await connected(amqpUrl, 'bench-workers');
    const load = await createLoad(bus);
    const workers = await Promise.all(Array.from({ length: Math.max(...COUNTS) }, (_, index) => start(index, options)));
    const samples: Sample[] = [];
    try {
      for (const count of COUNTS) {
        const { perS, cores } = await run(load, workers, count, options);
        const ofSlots = perS / ((count * CONCURRENCY * 1000) / WAIT_MS);
        const used = Object.entries(cores).map(([part, one]) => [`cores.${part}`, one] as const);
        samples.push({ of: `${count}`, values: { perS, ofSlots, ...Object.fromEntries(used) } });
      }
    } finally {
      load.stop();
      await bus.close();
      for (const worker of workers) worker.disconnect();
      await database.stop();
    }
    return samples;
  },
};

async function run(
  load: Awaited<ReturnType<typeof createLoad>>,
  workers: readonly ChildProcess[],
  arm: number,
  { seconds, pids }: WorkersOptions,
): Promise<Slice> {
  const those = workers.slice(0, arm);
  await Promise.all(those.map((worker) => tell(worker, 'join')));
  // Until everybody has its partitions and its share of what is in flight.
  await clock.sleep(2500);
  const used = (): Readonly<Record<string, number>> => {
    const ours = {
      workers: workers.reduce((sum, { pid }) => sum + cpuSeconds(pid!), 0),
      load: ownSeconds(),
      ...(pids.broker === undefined ? {} : { broker: cpuSeconds(pids.broker) }),
      ...(pids.database === undefined ? {} : { database: cpuSeconds(pids.database) }),
    };
    return { ...ours, others: machineSeconds() - Object.values(ours).reduce((sum, one) => sum + one, 0) };
  };
  const before = used();
  const from = performance.now();
  const handled = load.handled();
  await clock.sleep(seconds * 1000);
  const perS = ((load.handled() - handled) / (performance.now() - from)) * 1000;
  const after = used();
  const cores = Object.fromEntries(Object.keys(after).map((name) => [name, (after[name]! - before[name]!) / seconds]));
  await Promise.all(those.map((worker) => tell(worker, 'leave')));
  return { perS, cores };
}

function ownSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

async function start(index: number, { amqpUrl, mongoUrl }: WorkersOptions): Promise<ChildProcess> {
  const options: WorkersProcessOptions = {
    worker: `payment-${index + 1}`,
    waitMs: WAIT_MS,
    environment: {
      AMQP_URL: amqpUrl,
      MONGO_URL: mongoUrl,
      MESSAGE_TTL_MS: String(TTL_MS),
      WORKER_CONCURRENCY: String(CONCURRENCY),
    },
  };
  const child = fork(join(projectDir, 'bench/workers/process.ts'), [JSON.stringify(options)]);
  await once(child, 'message');
  return child;
}

async function tell(worker: ChildProcess, deed: 'join' | 'leave'): Promise<void> {
  const done = once(worker, 'message');
  worker.send(deed);
  await done;
}

/** A closed loop of payments to create, each under a key of its own; the answers are counted where the saga would get them. */
async function createLoad(bus: Bus) {
  let handled = 0;
  let running = true;

  function send(): void {
    const key = clock.id();
    const body = {
      paymentId: key,
      orderId: key,
      customerId: 'bench',
      amount: { amount: 1299, currency: 'EUR' },
      method: 'pm_ok',
    };
    const message = { id: `${key}:do`, type: create.name, key, body, correlationId: key };
    // What cannot be sent ends the benchmark.
    void bus.publish(inbox('payment'), encode({ ...message, replyTo: { route: 'saga', key } }));
  }

  for (const queue of partitionQueues(routeTable, 'saga')) {
    await bus.consume(queue, {
      prefetch: 500,
      onChannelLost() {},
      onDelivery(delivery, consumer) {
        consumer.ack([delivery]);
        handled += 1;
        if (running) send();
      },
    });
  }
  for (let n = 0; n < IN_FLIGHT; n += 1) send();
  return {
    handled: () => handled,
    /** What is on its way stays in the queues. */
    stop() {
      running = false;
    },
  };
}
