/** Orders and checkouts in one process on memory, in turns: as many as are on their way at a time, and so many a second. */
import { setTimeout as sleep } from 'node:timers/promises';
import { createArrivals } from './arrivals.ts';
import { benchExecutors } from './executors.ts';
import { cardPorts, checkoutMessage } from './load.ts';
import type { Sample, Values } from '#bench/arm.ts';
import { taskOf, tell } from '#bench/child.ts';
import { createClosedLoop } from '#bench/loop/closed-loop.ts';
import { fillUp, orderMessage } from '#bench/loop/load.ts';
import { host, participants } from '#bench/loop/participants.ts';
import { median, quantile } from '#bench/statistics.ts';
import { TTL_MS } from '#bench/world.ts';
import { begin } from '#services/checkout/contract.ts';
import { routeTable } from '#services/services.ts';
import { found } from '#services/suggestions/contract.ts';
import { encode } from '#shared/bus/envelope.ts';
import { createMemoryBroker } from '#shared/bus/memory/memory-bus.ts';
import { inbox, topologyOf } from '#shared/bus/topology/topology.ts';
import { systemClock } from '#shared/clock.ts';
import { createMemoryStore } from '#shared/entity/stores/memory-store.ts';
import type { Message } from '#shared/message.ts';

export interface CheckoutsTask {
  readonly turns: number;
  /** On their way at any time, at full load. */
  readonly inFlight: number;
  /** A second, at light load. */
  readonly perS: number;
  readonly seconds: number;
  readonly warmUpSeconds: number;
}

const { turns, inFlight, perS, seconds, warmUpSeconds } = taskOf<CheckoutsTask>();
const broker = createMemoryBroker({ clock: systemClock });
broker.apply(topologyOf(routeTable, { ttlMs: TTL_MS, delayMs: 2000 }, 'bench'));
const bus = broker.connect('gateway');
const orderQueue = createMemoryStore<unknown>();
const begunAt = new Map<string, number>();
let approvals: number[] = [];
let messages = 0;

const placeOrder = (orderId: string, n: number) => bus.publish(inbox('order'), encode(orderMessage(orderId, n)));
async function placeCheckout(orderId: string, n: number): Promise<void> {
  begunAt.set(orderId, performance.now());
  return bus.publish(inbox(begin.route), encode(await checkoutMessage(orderId, n)));
}
const kinds = { 'an order': placeOrder, 'a checkout and its order': placeCheckout } as const;
type Kind = keyof typeof kinds;
const loops = { 'an order': createClosedLoop(placeOrder), 'a checkout and its order': createClosedLoop(placeCheckout) };
const arrivals = { 'an order': createArrivals(placeOrder), 'a checkout and its order': createArrivals(placeCheckout) };
const all = [...Object.values(loops), ...Object.values(arrivals)];

function onMessage(type: string, { key }: Message): void {
  messages += 1;
  if (type !== found.name) return;
  approvals.push(performance.now() - (begunAt.get(key) ?? Number.NaN));
  begunAt.delete(key);
}

const hosting = {
  amqpUrl: '',
  connect: broker.connect,
  ttlMs: TTL_MS,
  onCompleted: (orderId: string) => all.forEach(({ completed }) => completed(orderId)),
  onMessage,
  ports: cardPorts,
};
const stops: (() => Promise<void>)[] = [];
for (const name of participants)
  stops.push(await host(name, { ...hosting, memory: name === 'executor' ? orderQueue : undefined }));
await fillUp(bus);
const executors = benchExecutors(broker.connect('executors'), orderQueue);
await executors.led;

/** Milliseconds of CPU, and how many of them a millisecond that passed. */
async function spentIn<T>(run: () => Promise<T>) {
  const [at, before] = [performance.now(), process.cpuUsage()];
  const result = await run();
  const { user, system } = process.cpuUsage(before);
  const [cpuMs, tookMs] = [(user + system) / 1000, performance.now() - at];
  return { result, cpuMs, tookMs, share: cpuMs / tookMs };
}

/** What each of them cost, from the first placed to the last completed, besides what is spent with nothing to do. */
async function costOf(run: () => Promise<{ readonly placed: number; readonly values: Values }>): Promise<Values> {
  approvals = [];
  const was = messages;
  const { result, cpuMs, tookMs } = await spentIn(run);
  const { placed, values } = result;
  const approved = approvals.length === 0 ? {} : { approvedP50Ms: median(approvals) };
  const ownCpuMs = cpuMs - atRest * tookMs;
  return { ...values, ...approved, cpuMs: ownCpuMs / placed, messages: (messages - was) / placed };
}

const full = (kind: Kind, forSeconds: number) =>
  costOf(async () => {
    const before = loops[kind].placed;
    const { perS, p50Ms } = await loops[kind].run({ inFlight, seconds: forSeconds, warmUpSeconds: 0 });
    return { placed: loops[kind].placed - before, values: { perS, p50Ms } };
  });
const light = (kind: Kind) =>
  costOf(async () => {
    const { placed, latencies } = await arrivals[kind].run({ perS, seconds });
    return { placed, values: { p50Ms: quantile(latencies, 0.5) } };
  });

const names = Object.keys(kinds) as Kind[];
let atRest = 0;
for (const kind of names) await full(kind, warmUpSeconds);
({ share: atRest } = await spentIn(() => sleep(seconds * 1000)));
const samples: Sample[] = [];
for (let turn = 0; turn < turns; turn += 1)
  // Who begins a pair changes.
  for (const kind of turn % 2 === 0 ? names : names.toReversed()) {
    samples.push({ of: kind, values: await full(kind, seconds) });
    samples.push({ of: `${kind}, ${perS}/s`, values: await light(kind) });
  }
const elections = executors.elections() - 1;
await executors.stop();
for (const stop of stops) await stop();
if (elections > 0) throw new Error(`while nothing was wrong ${elections} more executors were elected`);

tell({
  samples: [...new Set(samples.map(({ of }) => of))].map((of) => {
    const those = samples.filter((one) => one.of === of).map(({ values }) => values);
    const seen = Object.keys(those[0]!).map((name) => [name, median(those.map((values) => values[name]!))] as const);
    return { of, values: Object.fromEntries(seen) };
  }),
});
