import { fork, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { cpuSeconds } from './cpu.ts';
import { createLoad, fillWallets, type LoadResult } from './load.ts';
import { host, participants } from './participants.ts';
import { projectDir } from '#local/own-process.ts';
import { connectAmqp } from '#shared/bus/amqp.ts';
import { systemClock } from '#shared/clock.ts';
import { silentLog } from '#shared/log.ts';

export interface Arm {
  readonly title: string;
  readonly processes: 'one' | 'one-each';
  readonly store: 'memory' | 'embedded';
}

export interface ArmOptions {
  readonly amqpUrl: string;
  readonly mongoUrl: string;
  /** To account CPU by process. */
  readonly pids: { readonly broker: number | undefined; readonly database: number | undefined };
  readonly seconds: number;
  readonly inFlight: readonly number[];
}

export interface Measurement {
  readonly inFlight: number;
  readonly load: LoadResult;
  readonly messagesPerSaga: number;
  /** Cores used, by process. */
  readonly cores: Readonly<Record<string, number>>;
}

const TTL_MS = 60_000;

/** Runs one arm at each number of orders in flight. */
export async function measure(arm: Arm, options: ArmOptions): Promise<readonly Measurement[]> {
  const bus = connectAmqp({ url: options.amqpUrl, name: 'bench', clock: systemClock, log: silentLog });
  while (!bus.connected) await systemClock.sleep(20);
  const load = createLoad(bus);
  let messages = 0;
  const shared = {
    amqpUrl: options.amqpUrl,
    ttlMs: TTL_MS,
    ...(arm.store === 'embedded' ? { mongoUrl: options.mongoUrl } : {}),
  };
  const stops: (() => Promise<void>)[] = [];
  const pids: Record<string, number> = {};
  for (const name of participants) {
    if (arm.processes === 'one') {
      const onMessage = (): void => {
        messages += 1;
      };
      stops.push(await host(name, { ...shared, onCompleted: load.completed, onMessage }));
    } else {
      const child = await startWorker({ name, ...shared }, load.completed);
      pids[name] = child.pid!;
      stops.push(() => stopWorker(child, (handled) => (messages += handled)));
    }
  }
  await fillWallets(bus);
  const results: (Omit<Measurement, 'messagesPerSaga'> & { readonly handled: number })[] = [];
  let placed = 0;
  for (const inFlight of options.inFlight) {
    const before = usage(options, pids);
    const start = performance.now();
    const result = await load.run(inFlight, options.seconds);
    const elapsed = (performance.now() - start) / 1000;
    const after = usage(options, pids);
    const cores = Object.fromEntries(
      Object.entries(after).map(([name, used]) => [name, (used - before[name]!) / elapsed]),
    );
    placed += load.placedSinceLastCall();
    results.push({ inFlight, load: result, cores, handled: messages });
  }
  for (const stop of stops) await stop();
  await bus.close();
  return results.map(({ handled: _handled, ...result }) => ({ ...result, messagesPerSaga: messages / placed }));
}

function usage({ pids }: ArmOptions, children: Readonly<Record<string, number>>): Record<string, number> {
  const own = process.cpuUsage();
  return {
    services: (own.user + own.system) / 1e6,
    ...Object.fromEntries(Object.entries(children).map(([name, pid]) => [name, cpuSeconds(pid)])),
    ...(pids.broker === undefined ? {} : { broker: cpuSeconds(pids.broker) }),
    ...(pids.database === undefined ? {} : { database: cpuSeconds(pids.database) }),
  };
}

function startWorker(options: object, onCompleted: (orderId: string) => void): Promise<ChildProcess> {
  const child = fork(join(projectDir, 'bench/worker.ts'), [JSON.stringify(options)]);
  const { promise, resolve, reject } = Promise.withResolvers<ChildProcess>();
  child.on('message', (message: { ready?: boolean; completed?: string[] }) => {
    if (message.ready === true) resolve(child);
    for (const orderId of message.completed ?? []) onCompleted(orderId);
  });
  child.once('exit', (code) => reject(new Error(`a worker ended with ${code}`)));
  return promise;
}

function stopWorker(child: ChildProcess, onHandled: (messages: number) => void): Promise<void> {
  return new Promise((resolve) => {
    child.on('message', (message: { messages?: number }) => onHandled(message.messages ?? 0));
    child.once('exit', () => resolve());
    child.send('stop');
  });
}
