/** Closed loops of orders and of checkouts in one process on memory, in turns. */
import { cardPorts, checkoutMessage, createLeader } from './load.ts';
import type { Values } from '#bench/arm.ts';
import { taskOf, tell } from '#bench/child.ts';
import { createClosedLoop } from '#bench/loop/closed-loop.ts';
import { fillUp, orderMessage } from '#bench/loop/load.ts';
import { host, participants } from '#bench/loop/participants.ts';
import { median } from '#bench/statistics.ts';
import { TTL_MS } from '#bench/world.ts';
import { begin } from '#services/checkout/contract.ts';
import { admit } from '#services/executor/contract.ts';
import { routeTable } from '#services/services.ts';
import { found } from '#services/suggestions/contract.ts';
import { encode } from '#shared/bus/envelope.ts';
import { createMemoryBroker } from '#shared/bus/memory/memory-bus.ts';
import { inbox, topologyOf } from '#shared/bus/topology/topology.ts';
import { systemClock } from '#shared/clock.ts';
import type { Message } from '#shared/message.ts';

export interface CheckoutsTask {
  readonly turns: number;
  readonly inFlight: number;
  readonly seconds: number;
  readonly warmUpSeconds: number;
}

const { turns, ...loopOptions } = taskOf<CheckoutsTask>();
const broker = createMemoryBroker({ clock: systemClock });
broker.apply(topologyOf(routeTable, { ttlMs: TTL_MS, delayMs: 2000 }, 'bench'));
const bus = broker.connect('gateway');
const leader = createLeader(bus);
const begunAt = new Map<string, number>();
let approvals: number[] = [];

const orders = createClosedLoop((orderId, n) => bus.publish(inbox('order'), encode(orderMessage(orderId, n))));
const checkouts = createClosedLoop(async (orderId, n) => {
  begunAt.set(orderId, performance.now());
  return bus.publish(inbox(begin.route), encode(await checkoutMessage(orderId, n)));
});
const loops = { 'an order': orders, 'a checkout and its order': checkouts };

function onCompleted(orderId: string): void {
  orders.completed(orderId);
  checkouts.completed(orderId);
}

function onMessage(type: string, { body, key }: Message): void {
  if (type === found.name) {
    approvals.push(performance.now() - (begunAt.get(key) ?? Number.NaN));
    begunAt.delete(key);
  }
  if (type === admit.name) leader.queued(admit.body.parse(body).orderId);
}

const hosting = { amqpUrl: '', connect: broker.connect, ttlMs: TTL_MS, onCompleted, onMessage, ports: cardPorts };
const stops: (() => Promise<void>)[] = [];
for (const name of participants) stops.push(await host(name, hosting));
await fillUp(bus);

const samples: { readonly of: string; readonly values: Values }[] = [];
for (let turn = 0; turn < 2 * turns; turn += 1) {
  // Who begins a pair changes.
  const of = (turn + (turn >> 1)) % 2 === 0 ? 'an order' : 'a checkout and its order';
  let [before, after] = [process.cpuUsage(), process.cpuUsage()];
  approvals = [];
  const { completed, perS, p50Ms, p99Ms } = await loops[of].run({
    ...loopOptions,
    onCounting: (is) => (is === 'begun' ? (before = process.cpuUsage()) : (after = process.cpuUsage())),
  });
  const cpuMs = (after.user + after.system - before.user - before.system) / 1000 / completed;
  const values = { perS, p50Ms, p99Ms, cpuMs };
  samples.push({ of, values: approvals.length === 0 ? values : { ...values, approvedP50Ms: median(approvals) } });
}
leader.stop();
for (const stop of stops) await stop();
const names = Object.keys(loops).map((of) => [of, samples.filter((one) => one.of === of)] as const);
tell({
  samples: names.map(([of, those]) => {
    const all = Object.keys(those[0]?.values ?? {});
    return {
      of,
      values: Object.fromEntries(all.map((name) => [name, median(those.map(({ values }) => values[name]!))])),
    };
  }),
});
