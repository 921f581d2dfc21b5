import { bareBroker } from './bare.ts';
import type { LoopTask } from './task.ts';
import type { Arm, Sample, Turn, Values } from '#bench/arm.ts';
import { inChild } from '#bench/child.ts';
import { cpuSeconds } from '#bench/cpu.ts';
import { TTL_MS } from '#bench/world.ts';
import type { Database } from '#local/stack/database.ts';

interface Loop {
  readonly name: string;
  readonly title: string;
  readonly processes: LoopTask['processes'];
  readonly store: 'memory' | 'embedded';
  readonly secondary?: boolean;
}

const WARM_UP_S = 2;
const BARE_IN_FLIGHT = 500;

/** What the broker does alone. */
const bare: Arm = {
  name: 'bare',
  title: 'bare broker',
  group: 'loop',
  async run({ world, round, settings }) {
    const url = await world.vhost(`bare-${round}`);
    const pid = (await world.broker()).process?.pid();
    const used = (): Values => {
      const { user, system } = process.cpuUsage();
      return { services: (user + system) / 1e6, ...(pid === undefined ? {} : { broker: cpuSeconds(pid) }) };
    };
    const values = await bareBroker(url, BARE_IN_FLIGHT, Math.min(settings.seconds, 4), used);
    return [{ of: `${BARE_IN_FLIGHT} in flight`, values }];
  },
};

const loops: readonly Loop[] = [
  { name: 'memory', title: 'one process, memory store', processes: 'one', store: 'memory' },
  { name: 'embedded', title: 'one process, embedded database', processes: 'one', store: 'embedded' },
  {
    name: 'memory-each',
    title: 'a process a service, memory store',
    processes: 'one-each',
    store: 'memory',
    secondary: true,
  },
  {
    name: 'embedded-each',
    title: 'a process a service, embedded database',
    processes: 'one-each',
    store: 'embedded',
    secondary: true,
  },
];

/** The whole road of an order in a closed loop, beside what the bare broker does. */
export const loopArms: readonly Arm[] = [
  bare,
  ...loops.map(({ name, title, processes, store }): Arm => ({
    name,
    title,
    group: 'loop',
    run: (turn) => runLoop(turn, { name, processes, store }),
  })),
];

/** How one turn differs from the usual one. */
export interface LoopRun extends Pick<Loop, 'name' | 'processes' | 'store'> {
  readonly task?: Partial<LoopTask>;
  readonly partitions?: number;
  readonly metrics?: boolean;
  /** Of Node, for the process that is measured. */
  readonly flags?: readonly string[];
  /** Absent: an empty one. */
  readonly database?: () => Promise<Database>;
}

/** One turn of the closed loop, on a vhost and a database of its own. */
export async function runLoop({ world, round, settings }: Turn, run: LoopRun): Promise<readonly Sample[]> {
  const name = `${run.name}-${round}`;
  const broker = await world.broker();
  const amqpUrl = await world.vhost(name, run.partitions);
  const database = run.store === 'embedded' ? await (run.database ?? (() => world.database(name)))() : undefined;
  const task: LoopTask = {
    hosting: {
      amqpUrl,
      ttlMs: TTL_MS,
      partitions: run.partitions,
      metrics: run.metrics,
      ...(database === undefined ? {} : { mongoUrl: `${database.url}/bench` }),
    },
    processes: run.processes,
    inFlight: settings.inFlight,
    seconds: settings.seconds,
    warmUpSeconds: WARM_UP_S,
    pids: { broker: broker.process?.pid(), database: database?.process?.pid() },
    ...run.task,
  };
  try {
    return await inChild(world, 'bench/loop/process.ts', task, { flags: run.flags ?? [] });
  } finally {
    await database?.stop();
  }
}
