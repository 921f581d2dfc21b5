import { cpuSeconds } from './cpu.ts';
import { orderMessage, quantile } from './load.ts';
import { routeTable } from '#services/routes.ts';
import { connectAmqp } from '#shared/bus/amqp.ts';
import type { Bus, Consumer, Delivery } from '#shared/bus/bus.ts';
import { encode } from '#shared/bus/envelope.ts';
import { hash, inbox, partitionQueues } from '#shared/bus/topology.ts';
import { systemClock } from '#shared/clock.ts';
import { silentLog } from '#shared/log.ts';

const OUTSTANDING = 500;

export interface Block {
  /** Messages confirmed per second. */
  readonly perS: number;
  /** What the broker spent on one message, microseconds of a core; says the same as the rate on a machine that has more to do. */
  readonly brokerUs: number;
}

export interface Rates {
  readonly inbox: readonly Block[];
  readonly hash: readonly Block[];
}

export interface RateOptions {
  readonly rounds: number;
  readonly blockMs: number;
  readonly brokerPid: number | undefined;
}

/** The closed gate against no gate: blocks of publishing to `<route>.in` and to `<route>.hash` take turns, everything is consumed. */
export async function rateThroughGate(amqpUrl: string, options: RateOptions): Promise<Rates> {
  const publisher = await connected(amqpUrl, 'bench-publisher');
  const consumer = await connected(amqpUrl, 'bench-consumer');
  const stop = await swallow(consumer, 'order');
  const rates = { inbox: [] as Block[], hash: [] as Block[] };
  await block(publisher, inbox('order'), options);
  for (let round = 0; round < options.rounds; round += 1) {
    const turns = (['inbox', 'hash'] as const).toSorted(() => (round % 2 === 0 ? 1 : -1));
    for (const arm of turns)
      rates[arm].push(await block(publisher, (arm === 'inbox' ? inbox : hash)('order'), options));
  }
  await stop();
  await Promise.all([publisher.close(), consumer.close()]);
  return rates;
}

export async function connected(url: string, name: string): Promise<Bus> {
  const bus = connectAmqp({ url, name, clock: systemClock, log: silentLog });
  while (!bus.connected) await systemClock.sleep(20);
  return bus;
}

/** Acknowledges whatever comes to the partitions of a route. */
export async function swallow(bus: Bus, route: string): Promise<() => Promise<void>> {
  const consumers = await Promise.all(partitionQueues(routeTable, route).map((queue) => swallowOne(bus, queue)));
  return async () => {
    await Promise.all(consumers.map((one) => one.close()));
  };
}

async function swallowOne(bus: Bus, queue: string): Promise<Consumer> {
  let waiting: Delivery[] = [];
  const ready: Promise<Consumer> = bus.consume(queue, {
    prefetch: 300,
    onChannelLost() {},
    onDelivery(delivery) {
      waiting.push(delivery);
      if (waiting.length > 1) return;
      void ready.then((consumer) =>
        systemClock.soon(() => {
          consumer.ack(waiting);
          waiting = [];
        }),
      );
    },
  });
  return ready;
}

async function block(bus: Bus, exchange: string, { blockMs, brokerPid }: RateOptions): Promise<Block> {
  const usedS = (): number => (brokerPid === undefined ? Number.NaN : cpuSeconds(brokerPid));
  const used = usedS();
  const start = performance.now();
  let confirmed = 0;
  async function publishing(): Promise<void> {
    while (performance.now() - start < blockMs) {
      await bus.publish(exchange, encode(orderMessage(systemClock.id(), confirmed)));
      confirmed += 1;
    }
  }
  await Promise.all(Array.from({ length: OUTSTANDING }, publishing));
  const perS = confirmed / ((performance.now() - start) / 1000);
  return { perS, brokerUs: ((usedS() - used) * 1e6) / confirmed };
}

export function quantileOf(values: readonly number[], q: number): number {
  return quantile(
    values.toSorted((a, b) => a - b),
    q,
  );
}
