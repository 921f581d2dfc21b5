import { place } from '#services/order/contract.ts';
import { SAGA_ROUTE } from '#services/routes.ts';
import { topUp } from '#services/wallet/contract.ts';
import type { Bus } from '#shared/bus/bus.ts';
import { encode } from '#shared/bus/envelope.ts';
import { inbox } from '#shared/bus/topology.ts';
import { systemClock } from '#shared/clock.ts';

const CUSTOMERS = 200;
const PRICE = { amount: 1299, currency: 'EUR' } as const;

/** Gives every customer enough money for the whole benchmark. */
export async function fillWallets(bus: Bus): Promise<void> {
  await Promise.all(
    Array.from({ length: CUSTOMERS }, (_, index) => {
      const customerId = `customer-${index}`;
      const topUpId = `${customerId}:bench`;
      const body = { customerId, topUpId, amount: { amount: 1_000_000_000, currency: 'EUR' } as const };
      const message = { id: topUpId, type: topUp.name, key: customerId, body, correlationId: topUpId };
      return bus.publish(inbox('wallet'), encode(message));
    }),
  );
}

/** An order message as the gateway sends it. */
export function orderMessage(orderId: string, customer: number) {
  return {
    id: `${orderId}:place`,
    type: place.name,
    key: orderId,
    correlationId: orderId,
    replyTo: { route: SAGA_ROUTE, key: orderId },
    traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
    body: {
      orderId,
      customerId: `customer-${customer % CUSTOMERS}`,
      email: 'someone@example.org',
      items: [{ sku: 'book', quantity: 1, unitPrice: PRICE }],
      total: PRICE,
      paymentMethod: 'pm_ok',
    },
  };
}

export interface LoadResult {
  readonly completed: number;
  readonly seconds: number;
  /** Sorted, ms. */
  readonly latencies: readonly number[];
}

/** A closed loop: `inFlight` orders on their way at any time; the first second warms up and does not count. */
export function createLoad(bus: Bus) {
  const startedAt = new Map<string, number>();
  let next = 0;
  let running: { latencies: number[]; countFrom: number; until: number; done: () => void } | undefined;

  async function placeOne(): Promise<void> {
    next += 1;
    const orderId = systemClock.id();
    startedAt.set(orderId, performance.now());
    await bus.publish(inbox('order'), encode(orderMessage(orderId, next)));
  }

  let counted = 0;

  return {
    placedSinceLastCall(): number {
      const placed = next - counted;
      counted = next;
      return placed;
    },
    completed(orderId: string): void {
      const at = startedAt.get(orderId);
      if (at === undefined) return;
      startedAt.delete(orderId);
      const now = performance.now();
      if (running === undefined) return;
      if (now >= running.countFrom && now < running.until) running.latencies.push(now - at);
      if (now < running.until) void placeOne();
      else if (startedAt.size === 0) running.done();
    },
    async run(inFlight: number, seconds: number, warmUpSeconds = 1): Promise<LoadResult> {
      const { promise, resolve } = Promise.withResolvers<void>();
      const start = performance.now();
      const countFrom = start + warmUpSeconds * 1000;
      running = { latencies: [], countFrom, until: countFrom + seconds * 1000, done: resolve };
      for (let n = 0; n < inFlight; n += 1) await placeOne();
      await promise;
      const latencies = running.latencies.toSorted((a, b) => a - b);
      running = undefined;
      return { completed: latencies.length, seconds, latencies };
    },
  };
}

export function quantile(sorted: readonly number[], q: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? Number.NaN;
}
