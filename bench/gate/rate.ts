import { cpuSeconds } from '#bench/cpu.ts';
import { orderMessage } from '#bench/loop/load.ts';
import { routeTable } from '#services/services.ts';
import { connectAmqp } from '#shared/bus/amqp/amqp-bus.ts';
import type { Bus, Consumer, Delivery } from '#shared/bus/bus.ts';
import { encode } from '#shared/bus/envelope.ts';
import { hash, inbox, partitionQueues } from '#shared/bus/topology/topology.ts';
import { systemClock } from '#shared/clock.ts';
import { silentLog } from '#shared/log.ts';

const OUTSTANDING = 500;

/** `again` is `hash` once more: what the measurement itself makes of no difference. */
const ARMS = ['inbox', 'hash', 'again'] as const;
type Arm = (typeof ARMS)[number];

interface Slice {
  /** Messages confirmed per second. */
  readonly perS: number;
  readonly confirmed: number;
  readonly brokerS: number;
}

export interface Rates {
  /** Of each round: messages per second, by arm. */
  readonly rounds: readonly Readonly<Record<Arm, number>>[];
  /** What the broker spent on one message, microseconds of a core; says the same as the rate on a machine that has more to do. */
  readonly brokerUs: Readonly<Record<Arm, number>>;
}

export interface RateOptions {
  readonly rounds: number;
  readonly sliceMs: number;
  readonly brokerPid: number | undefined;
}

/**
 * The closed gate against no gate: short slices of publishing to `<route>.in` and to `<route>.hash` take turns in an order
 * that rotates. Everything is consumed, and each slice begins with empty queues, so that none pays for the one before.
 */
export async function rateThroughGate(amqpUrl: string, options: RateOptions): Promise<Rates> {
  const publisher = await connected(amqpUrl, 'bench-publisher');
  const consumer = await connected(amqpUrl, 'bench-consumer');
  let arrived = 0;
  const stop = await swallow(consumer, 'order', () => (arrived += 1));
  let sent = 0;
  const run = async (arm: Arm): Promise<Slice> => {
    const done = await slice(publisher, (arm === 'inbox' ? inbox : hash)('order'), options);
    sent += done.confirmed;
    while (arrived < sent) await systemClock.sleep(2);
    return done;
  };
  for (const arm of ARMS) await run(arm);
  const all: Record<Arm, Slice>[] = [];
  for (let round = 0; round < options.rounds; round += 1) {
    const slices: Partial<Record<Arm, Slice>> = {};
    const turns = ARMS.map((_, n) => ARMS[(n + round) % ARMS.length] as Arm);
    for (const arm of round % 2 === 0 ? turns : turns.toReversed()) slices[arm] = await run(arm);
    all.push(slices as Record<Arm, Slice>);
  }
  await stop();
  await Promise.all([publisher.close(), consumer.close()]);
  const sum = (arm: Arm, what: 'confirmed' | 'brokerS'): number => all.reduce((to, one) => to + one[arm][what], 0);
  const each = (of: (arm: Arm) => number): Record<Arm, number> => ({
    inbox: of('inbox'),
    hash: of('hash'),
    again: of('again'),
  });
  return {
    rounds: all.map((round) => each((arm) => round[arm].perS)),
    brokerUs: each((arm) => (sum(arm, 'brokerS') * 1e6) / sum(arm, 'confirmed')),
  };
}

export async function connected(url: string, name: string): Promise<Bus> {
  const bus = connectAmqp({ url, name, clock: systemClock, log: silentLog });
  while (!bus.connected) await systemClock.sleep(20);
  return bus;
}

/** Acknowledges whatever comes to the partitions of a route. */
export async function swallow(bus: Bus, route: string, onMessage = (): void => {}): Promise<() => Promise<void>> {
  const queues = partitionQueues(routeTable, route);
  const consumers = await Promise.all(queues.map((queue) => swallowOne(bus, queue, onMessage)));
  return async () => {
    await Promise.all(consumers.map((one) => one.close()));
  };
}

async function swallowOne(bus: Bus, queue: string, onMessage: () => void): Promise<Consumer> {
  let waiting: Delivery[] = [];
  return bus.consume(queue, {
    prefetch: 300,
    onChannelLost() {},
    onDelivery(delivery, consumer) {
      onMessage();
      waiting.push(delivery);
      if (waiting.length > 1) return;
      systemClock.soon(() => {
        consumer.ack(waiting);
        waiting = [];
      });
    },
  });
}

async function slice(bus: Bus, exchange: string, { sliceMs, brokerPid }: RateOptions): Promise<Slice> {
  const usedS = (): number => (brokerPid === undefined ? Number.NaN : cpuSeconds(brokerPid));
  const used = usedS();
  const start = performance.now();
  let confirmed = 0;
  async function publishing(): Promise<void> {
    while (performance.now() - start < sliceMs) {
      await bus.publish(exchange, encode(orderMessage(systemClock.id(), confirmed)));
      confirmed += 1;
    }
  }
  await Promise.all(Array.from({ length: OUTSTANDING }, publishing));
  const perS = confirmed / ((performance.now() - start) / 1000);
  return { perS, confirmed, brokerS: usedS() - used };
}
