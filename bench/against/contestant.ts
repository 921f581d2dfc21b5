import type { SagaShape } from './shape.ts';
import type { Sample, Values } from '#bench/arm.ts';
import { taskOf, tell } from '#bench/child.ts';
import { cpuSeconds } from '#bench/cpu.ts';
import { createClosedLoop } from '#bench/loop/closed-loop.ts';

/** What a peer is told. */
export interface PeerTask {
  readonly shape: SagaShape;
  /** Where its server is. */
  readonly url: string;
  /** Of its server, to account CPU. */
  readonly serverPid: number | undefined;
  readonly inFlight: readonly number[];
  readonly seconds: number;
  readonly warmUpSeconds: number;
}

/** A way to run the saga. */
export interface Contestant {
  /** Begins an order; it is over when `completed` was called with it. */
  place(orderId: string): Promise<unknown>;
  close(): Promise<unknown>;
}

/** Runs it in the same closed loop as ours, in this process, and tells what it did. */
export async function contest(
  create: (task: PeerTask, completed: (orderId: string) => void) => Promise<Contestant>,
): Promise<void> {
  const task = taskOf<PeerTask>();
  const contestant = await create(task, (orderId) => loop.completed(orderId));
  const loop = createClosedLoop((orderId) => contestant.place(orderId));
  const { seconds, warmUpSeconds } = task;
  const used = (): Values => {
    const { user, system } = process.cpuUsage();
    return {
      services: (user + system) / 1e6,
      ...(task.serverPid === undefined ? {} : { server: cpuSeconds(task.serverPid) }),
    };
  };
  const samples: Sample[] = [];
  for (const inFlight of task.inFlight) {
    let [before, after] = [used(), used()];
    const onCounting = (is: 'begun' | 'over'): void => void (is === 'begun' ? (before = used()) : (after = used()));
    const result = await loop.run({ inFlight, seconds, warmUpSeconds, onCounting });
    const { perS, p50Ms, p99Ms } = result;
    const cores = Object.entries(after).map(
      ([name, one]) => [`cores.${name}`, (one - before[name]!) / result.seconds] as const,
    );
    samples.push({
      of: `${inFlight} in flight`,
      values: { sagasPerS: perS, p50Ms, p99Ms, ...Object.fromEntries(cores) },
    });
  }
  await contestant.close();
  tell({ samples });
}
