import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { cpuSeconds, machineSeconds } from './cpu.ts';
import { connected } from './gate-rate.ts';
import { quantile } from './load.ts';
import type { WorkersProcessOptions } from './workers-process.ts';
import { projectDir } from '#local/own-process.ts';
import { create } from '#services/payment/contract.ts';
import { routeTable } from '#services/routes.ts';
import type { Bus } from '#shared/bus/bus.ts';
import { encode } from '#shared/bus/envelope.ts';
import { inbox, partitionQueues } from '#shared/bus/topology.ts';
import { systemClock as clock } from '#shared/clock.ts';

export interface WorkersOptions {
  readonly amqpUrl: string;
  readonly mongoUrl: string;
  readonly ttlMs: number;
  /** To account CPU by process. */
  readonly pids: { readonly broker: number | undefined; readonly database: number | undefined };
  readonly rounds: number;
  readonly seconds: number;
  readonly say: (line: string) => void;
}

const WAIT_MS = 20;
const CONCURRENCY = 8;
const ARMS = [1, 2, 4] as const;
const AIMS: Readonly<Record<number, number>> = { 2: 1.9, 4: 3.6 };
/** On their way at any time: enough for every worker to have more than it may work on. */
const IN_FLIGHT = 800;
/** A round counts when everything else on the machine took no more in each of its slices, unless there is none. */
const OTHERS_CORES = 0.3;

interface Slice {
  readonly perS: number;
  readonly cores: Readonly<Record<string, number>>;
}

/** How throughput grows with workers that wait for something outside: one partition each has one worker, whoever has how many. */
export async function benchWorkers(options: WorkersOptions): Promise<void> {
  const { amqpUrl, rounds, say } = options;
  const bus = await connected(amqpUrl, 'bench-workers');
  const load = await createLoad(bus);
  const workers = await Promise.all(Array.from({ length: Math.max(...ARMS) }, (_, index) => start(index, options)));
  const slices = new Map<number, readonly Slice[]>(ARMS.map((arm) => [arm, []]));
  for (let round = 0; round < rounds; round += 1) {
    for (const turn of ARMS.keys()) {
      const arm = ARMS[(turn + round) % ARMS.length]!;
      const slice = await run(load, workers, arm, options);
      say(
        `round ${round + 1}: ${arm} workers ${slice.perS.toFixed(0)}/s, others use ${slice.cores['others']!.toFixed(2)} cores`,
      );
      slices.set(arm, [...slices.get(arm)!, slice]);
    }
  }
  load.stop();
  await bus.close();
  for (const worker of workers) worker.disconnect();
  report(slices, say);
}

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

async function start(index: number, { amqpUrl, mongoUrl, ttlMs }: WorkersOptions): Promise<ChildProcess> {
  const options: WorkersProcessOptions = {
    worker: `payment-${index + 1}`,
    waitMs: WAIT_MS,
    environment: {
      AMQP_URL: amqpUrl,
      MONGO_URL: mongoUrl,
      MESSAGE_TTL_MS: String(ttlMs),
      WORKER_CONCURRENCY: String(CONCURRENCY),
    },
  };
  const child = fork(join(projectDir, 'bench/workers-process.ts'), [JSON.stringify(options)]);
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
    const consumer = await bus.consume(queue, {
      prefetch: 500,
      onChannelLost() {},
      onDelivery(delivery) {
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

function report(slices: ReadonlyMap<number, readonly Slice[]>, say: (line: string) => void): void {
  const median = (values: readonly number[]): number =>
    quantile(
      values.toSorted((a, b) => a - b),
      0.5,
    );
  const rounds = [...slices.get(1)!.keys()];
  const undisturbed = rounds.filter((round) =>
    [...slices.values()].every((of) => of[round]!.cores['others']! <= OTHERS_CORES),
  );
  const counted = undisturbed.length > 0 ? undisturbed : rounds;
  const of = `medians of ${counted.length} of ${rounds.length} rounds, ${undisturbed.length} undisturbed`;
  const perS = (arm: number): number => median(counted.map((round) => slices.get(arm)![round]!.perS));
  say('');
  say(`| workers (${of}) | handled/s | of what their slots allow | times one | aim | cores |`);
  say('|---|---|---|---|---|---|');
  for (const [arm, runs] of slices) {
    const cores = Object.keys(runs[0]!.cores).map(
      (name) => `${name} ${median(counted.map((round) => runs[round]!.cores[name]!)).toFixed(2)}`,
    );
    const most = (arm * CONCURRENCY * 1000) / WAIT_MS;
    say(
      `| ${arm} | ${perS(arm).toFixed(0)} | ${(perS(arm) / most).toFixed(2)} | ${(perS(arm) / perS(1)).toFixed(2)} | ${AIMS[arm] ?? ''} | ${cores.join(', ')} |`,
    );
  }
}
