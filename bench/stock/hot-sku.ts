import { createFresh } from '#bench/gate/redrive.ts';
import { connected } from '#bench/gate/rate.ts';
import { CUSTOMERS, orderMessage } from '#bench/loop/load.ts';
import { host, participants } from '#bench/loop/participants.ts';
import { TTL_MS } from '#bench/world.ts';
import { open, reserve } from '#services/stock/contract.ts';
import { routeTable } from '#services/services.ts';
import { topUp } from '#services/wallet/contract.ts';
import type { Bus } from '#shared/bus/bus.ts';
import { encode } from '#shared/bus/envelope.ts';
import { inbox, partitionQueues } from '#shared/bus/topology/topology.ts';
import { systemClock as clock } from '#shared/clock.ts';
import type { CommandType } from '#shared/message.ts';

/** `hot`: the one SKU alone; `others`: orders of other SKUs alone; `both`: at the same time; `spread`: as `both`, but as many reservations of many SKUs. */
const SLICES = ['hot', 'others', 'both', 'spread'] as const;
type Slice = (typeof SLICES)[number];

export interface HotSkuOptions {
  readonly amqpUrl: string;
  readonly mongoUrl: string;
  readonly rounds: number;
  readonly sliceS: number;
  readonly ordersPerS: number;
  /** Alone: reservations on their way at any time. Beside orders: so many a second. */
  readonly inFlight: number;
  readonly reservationsPerS: number;
}

export interface HotSku {
  /** Reservations a second, by slice, one figure a round. */
  readonly perS: Readonly<Record<'hot' | 'both' | 'spread', readonly number[]>>;
  /** From the order's publishing to its end, ms. */
  readonly latencies: Readonly<Record<'others' | 'both' | 'spread', readonly number[]>>;
}

const HOT = 'hot';
/** What is reserved when not everybody wants the same. */
const SPREAD = Array.from({ length: 500 }, (_, n) => `cool-${n}`);
const PLENTY = 1_000_000_000;
/** Hosts nobody here: its queues take the answers to the reservations. */
const ASKER = 'catalogue';

/**
 * Reservations of one SKU, and orders of other SKUs that arrive steadily: each alone, the reservations as fast as they go, and together,
 * the reservations at a steady rate. As many reservations of 500 SKUs beside the same orders tell what is the load's doing, and what the
 * one key's. In turns.
 */
export async function hotSku({
  amqpUrl,
  mongoUrl,
  rounds,
  sliceS,
  ordersPerS,
  inFlight,
  reservationsPerS,
}: HotSkuOptions): Promise<HotSku> {
  const bus = await connected(amqpUrl, 'bench');
  const fresh = createFresh(bus, ordersPerS);
  const shared = { amqpUrl, mongoUrl, ttlMs: TTL_MS, onCompleted: fresh.completed, onMessage() {} };
  const stops: (() => Promise<void>)[] = [];
  for (const name of participants) if (name !== ASKER) stops.push(await host(name, shared));
  const hot = await createReserving(bus, { inFlight, reservationsPerS });
  await fill(bus);
  const sleep = async (): Promise<void> => clock.sleep(sliceS * 1000);
  await Promise.all([fresh.run(sleep), hot.steadily(sleep, [HOT]), hot.steadily(sleep, SPREAD)]);

  const perS = { hot: [] as number[], both: [] as number[], spread: [] as number[] };
  const latencies = { others: [] as number[], both: [] as number[], spread: [] as number[] };
  const beside = async (name: 'both' | 'spread', skus: readonly string[]): Promise<void> => {
    const [rate, those] = await Promise.all([hot.steadily(sleep, skus), fresh.run(sleep)]);
    perS[name].push(rate);
    latencies[name].push(...those);
  };
  const slices: Readonly<Record<Slice, () => Promise<void>>> = {
    hot: async () => void perS.hot.push(await hot.closed(sleep)),
    others: async () => void latencies.others.push(...(await fresh.run(sleep))),
    both: () => beside('both', [HOT]),
    spread: () => beside('spread', SPREAD),
  };
  for (let round = 0; round < rounds; round += 1) {
    for (let n = 0; n < SLICES.length; n += 1) await slices[SLICES[(n + round) % SLICES.length]!]();
  }
  for (const stop of stops) await stop();
  await bus.close();
  return { perS, latencies };
}

/** Enough money for everybody who orders, and enough of everything. */
async function fill(bus: Bus): Promise<void> {
  const put = <Body>(type: CommandType<Body>, body: Body): Promise<void> => {
    const key = type.key(body);
    const id = `${key}:fill`;
    return bus.publish(inbox(type.route), encode({ id, type: type.name, key, body, correlationId: id }));
  };
  const orders = Array.from({ length: CUSTOMERS }, (_, n) => orderMessage(`fill-${n}`, n).body);
  const customers = new Set(orders.map(({ customerId }) => customerId));
  const skus = new Set([HOT, ...SPREAD, ...orders.flatMap(({ items }) => items.map(({ sku }) => sku))]);
  const amount = { amount: PLENTY, currency: 'EUR' } as const;
  await Promise.all([
    ...[...customers].map((customerId) => put(topUp, { customerId, topUpId: `${customerId}:fill`, amount })),
    ...[...skus].map((sku) => put(open, { sku, quantity: PLENTY })),
  ]);
}

/** Reservations of a SKU, each for an order of its own that never ends. */
async function createReserving(
  bus: Bus,
  { inFlight, reservationsPerS }: Pick<HotSkuOptions, 'inFlight' | 'reservationsPerS'>,
) {
  let [answered, onTheirWay, again] = [0, 0, false];

  function send(sku = HOT): void {
    onTheirWay += 1;
    const orderId = clock.id();
    const body = { sku, orderId, quantity: 1, expiresAt: clock.now() + 3_600_000 };
    const message = { id: `${orderId}:do`, type: reserve.name, key: sku, body, correlationId: orderId };
    // What cannot be sent ends the benchmark.
    void bus.publish(inbox('stock'), encode({ ...message, replyTo: { route: ASKER, key: orderId } }));
  }

  for (const queue of partitionQueues(routeTable, ASKER)) {
    await bus.consume(queue, {
      prefetch: 500,
      onChannelLost() {},
      onDelivery(delivery, consumer) {
        consumer.ack([delivery]);
        answered += 1;
        onTheirWay -= 1;
        if (again) send();
      },
    });
  }
  /** How many were answered a second while `meanwhile` ran; none is on its way afterwards. */
  async function counted(meanwhile: () => Promise<void>): Promise<number> {
    const [from, before] = [performance.now(), answered];
    await meanwhile();
    const perS = ((answered - before) * 1000) / (performance.now() - from);
    again = false;
    while (onTheirWay > 0) await clock.sleep(5);
    return perS;
  }

  return {
    /** As fast as they go. */
    closed(meanwhile: () => Promise<void>): Promise<number> {
      again = true;
      for (let n = 0; n < inFlight; n += 1) send();
      return counted(meanwhile);
    },
    /** So many a second, however long they take; of these SKUs in turn. */
    steadily: (meanwhile: () => Promise<void>, skus: readonly string[]): Promise<number> =>
      counted(async () => {
        const from = performance.now();
        let sent = 0;
        const timer = setInterval(() => {
          for (const due = ((performance.now() - from) / 1000) * reservationsPerS; sent < due; sent += 1)
            send(skus[sent % skus.length]);
        }, 2);
        try {
          await meanwhile();
        } finally {
          clearInterval(timer);
        }
      }),
  };
}
