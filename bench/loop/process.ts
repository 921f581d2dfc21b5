/** An arm of the closed loop as a process of its own: services and load together, as its parent tells it (`LoopTask`). */
import { fork, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { createClosedLoop } from './closed-loop.ts';
import { CUSTOMERS, fillUp, isFillingUp, orderMessage } from './load.ts';
import { host, participants } from './participants.ts';
import type { LoopTask } from './task.ts';
import type { Sample, Values } from '#bench/arm.ts';
import { taskOf, tell } from '#bench/child.ts';
import { cpuSeconds } from '#bench/cpu.ts';
import { projectDir } from '#local/stack/own-process.ts';
import { connectAmqp } from '#shared/bus/amqp/amqp-bus.ts';
import { encode } from '#shared/bus/envelope.ts';
import { inbox } from '#shared/bus/topology/topology.ts';
import { systemClock } from '#shared/clock.ts';
import { silentLog } from '#shared/log.ts';

const task = taskOf<LoopTask>();
const customers = task.customers ?? CUSTOMERS;
const bus = connectAmqp({ url: task.hosting.amqpUrl, name: 'bench', clock: systemClock, log: silentLog });
while (!bus.connected) await systemClock.sleep(20);
const loop = createClosedLoop((orderId, n) => bus.publish(inbox('order'), encode(orderMessage(orderId, n, customers))));
let messages = 0;
const count = (type: string, times = 1): void => {
  if (!isFillingUp(type)) messages += times;
};

const stops: (() => Promise<void>)[] = [];
const pids: Record<string, number> = {};
for (const name of participants) {
  if (task.processes === 'one') {
    stops.push(await host(name, { ...task.hosting, onCompleted: loop.completed, onMessage: (type) => count(type) }));
  } else {
    const child = await startWorker(name);
    pids[name] = child.pid!;
    stops.push(() => stopWorker(child));
  }
}
await fillUp(bus, customers);

const samples: Sample[] = [];
for (const inFlight of task.inFlight) {
  let [before, after] = [used(), used()];
  const { perS, p50Ms, p99Ms, seconds } = await loop.run({
    inFlight,
    seconds: task.seconds,
    warmUpSeconds: task.warmUpSeconds,
    onCounting: (is) => (is === 'begun' ? (before = used()) : (after = used())),
  });
  const cores = Object.entries(after).map(([name, one]) => [`cores.${name}`, (one - before[name]!) / seconds] as const);
  samples.push({
    of: `${inFlight} in flight`,
    values: { sagasPerS: perS, p50Ms, p99Ms, ...Object.fromEntries(cores) },
  });
}
for (const stop of stops) await stop();
await bus.close();
const messagesPerSaga = messages / loop.placed;
tell({
  samples: samples.map(({ of, values }) => ({
    of,
    values: { ...values, messagesPerSaga, messagesPerS: values['sagasPerS']! * messagesPerSaga },
  })),
});

function used(): Values {
  const own = process.cpuUsage();
  const all = { ...pids, ...task.pids };
  return {
    services: (own.user + own.system) / 1e6,
    ...Object.fromEntries(
      Object.entries(all).flatMap(([name, pid]) => (pid === undefined ? [] : [[name, cpuSeconds(pid)]])),
    ),
  };
}

function startWorker(name: string): Promise<ChildProcess> {
  const child = fork(join(projectDir, 'bench/loop/worker-process.ts'), [JSON.stringify({ name, ...task.hosting })]);
  const { promise, resolve, reject } = Promise.withResolvers<ChildProcess>();
  child.on('message', (message: { ready?: boolean; completed?: string[] }) => {
    if (message.ready === true) resolve(child);
    for (const orderId of message.completed ?? []) loop.completed(orderId);
  });
  child.once('exit', (code) => reject(new Error(`a worker ended with ${code}`)));
  return promise;
}

function stopWorker(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    child.on('message', (message: { messages?: Record<string, number> }) => {
      for (const [type, times] of Object.entries(message.messages ?? {})) count(type, times);
    });
    child.once('exit', () => resolve());
    child.send('stop');
  });
}
