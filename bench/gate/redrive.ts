import { connected } from './rate.ts';
import { act } from './transition.ts';
import { fillUp, orderMessage } from '#bench/loop/load.ts';
import { host, participants } from '#bench/loop/participants.ts';
import { create, paymentIdOf } from '#services/payment/contract.ts';
import { SAGA_ROUTE } from '#services/saga/contract.ts';
import type { Bus } from '#shared/bus/bus.ts';
import { encode } from '#shared/bus/envelope.ts';
import { inbox, parked } from '#shared/bus/topology/topology.ts';
import { systemClock } from '#shared/clock.ts';

export interface RedriveOptions {
  /** Messages put back per second, by arm; 0: nothing is parked. */
  readonly paces: readonly number[];
  readonly rounds: number;
  readonly sliceS: number;
  readonly ordersPerS: number;
}

/**
 * Fresh orders arrive steadily at `ordersPerS` and travel the whole road in one process, documents in memory; meanwhile
 * parked `payment.create` go back at a steady pace, each to be handled and answered. The arms take turns in slices, in an
 * order that rotates. Gives the latencies of fresh orders, from publishing to completed, ms: of each round, by arm.
 */
export async function redrive(
  amqpUrl: string,
  { paces, rounds, sliceS, ordersPerS }: RedriveOptions,
): Promise<readonly (readonly (readonly number[])[])[]> {
  const bus = await connected(amqpUrl, 'bench');
  const breakerBus = await connected(amqpUrl, 'bench-breaker');
  const fresh = createFresh(bus, ordersPerS);
  const shared = { amqpUrl, ttlMs: 60_000, onCompleted: fresh.completed, onMessage() {} };
  const stops: (() => Promise<void>)[] = [];
  for (const name of participants) stops.push(await host(name, shared));
  await fillUp(bus);
  await fresh.run(async () => systemClock.sleep(3000));

  async function slice(pace: number): Promise<readonly number[]> {
    if (pace === 0) return fresh.run(async () => systemClock.sleep(sliceS * 1000));
    await park(bus, pace * sliceS);
    const policy = { ttlMs: 60_000, delayMs: 2000, cycleMs: 120_000, badCycles: 3 };
    const term = await act(breakerBus, 'bench', policy, { redrive: { startPerS: pace, capPerS: pace } });
    const route = term.routes.get('payment');
    const latencies = await fresh.run(async () => {
      while ((route?.view().redriven ?? Infinity) < pace * sliceS) await systemClock.sleep(50);
    });
    term.end();
    await term.session.close();
    return latencies;
  }

  const results: (readonly number[])[][] = [];
  for (let round = 0; round < rounds; round += 1) {
    const of: (readonly number[])[] = [];
    for (let n = 0; n < paces.length; n += 1) {
      const arm = (n + round) % paces.length;
      of[arm] = await slice(paces[arm] ?? 0);
    }
    results.push(of);
  }
  for (const stop of stops) await stop();
  await Promise.all([bus.close(), breakerBus.close()]);
  return results;
}

async function park(bus: Bus, count: number): Promise<void> {
  const now = systemClock.now();
  const amount = { amount: 1299, currency: 'EUR' } as const;
  await Promise.all(
    Array.from({ length: count }, (_, n) => {
      const orderId = `parked-${now}-${n}`;
      const body = { paymentId: paymentIdOf(orderId), orderId, customerId: 'customer-0', amount, method: 'pm_ok' };
      const packet = encode({
        id: `${orderId}:payment-create:do`,
        type: create.name,
        key: create.key(body),
        body,
        correlationId: orderId,
        replyTo: { route: SAGA_ROUTE, key: orderId },
        deadline: now + 600_000,
      });
      const counts = { 'first-expired-at': now, 'last-expired-at': now, expiries: 1 };
      return bus.publish(parked('payment'), { ...packet, headers: { ...packet.headers, ...counts } });
    }),
  );
}

/** An open loop: an order every so often, however long the others take. */
export function createFresh(bus: Bus, perS: number) {
  const placedAt = new Map<string, number>();
  let latencies: number[] = [];
  return {
    completed(orderId: string): void {
      const at = placedAt.get(orderId);
      if (at === undefined) return;
      placedAt.delete(orderId);
      latencies.push(performance.now() - at);
    },
    /** The latencies of the orders placed while `meanwhile` runs, once all of them are completed. */
    async run(meanwhile: () => Promise<void>): Promise<readonly number[]> {
      latencies = [];
      let running = true;
      const ending = meanwhile().finally(() => (running = false));
      const sent: Promise<void>[] = [];
      for (let next = performance.now(), n = 0; running; next += 1000 / perS, n += 1) {
        await systemClock.sleep(Math.max(0, next - performance.now()));
        const orderId = systemClock.id();
        placedAt.set(orderId, performance.now());
        sent.push(bus.publish(inbox('order'), encode(orderMessage(orderId, n))));
      }
      await ending;
      await Promise.all(sent);
      while (placedAt.size > 0) await systemClock.sleep(20);
      return latencies;
    },
  };
}
