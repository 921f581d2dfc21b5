import { connected } from './gate-rate.ts';
import { act } from './gate-transition.ts';
import { fillWallets, orderMessage } from './load.ts';
import { host, participants } from './participants.ts';
import { create, paymentIdOf } from '#services/payment/contract.ts';
import { SAGA_ROUTE } from '#services/routes.ts';
import type { Bus } from '#shared/bus/bus.ts';
import { encode } from '#shared/bus/envelope.ts';
import { inbox, parked } from '#shared/bus/topology.ts';
import { systemClock } from '#shared/clock.ts';

export interface RedriveResult {
  /** Latencies of fresh orders, from publishing to completed, ms. */
  readonly without: readonly number[];
  readonly during: readonly number[];
  readonly redriven: number;
  readonly seconds: number;
}

/** Short, so that the pace reaches its cap within seconds; the queues' own TTL is longer. */
const CYCLE_MS = 1000;

/**
 * Fresh orders arrive steadily at `ordersPerS` and travel the whole road in one process, documents in memory; meanwhile
 * `count` parked `payment.create` go back at the pace that the breaker allows them, each to be handled and answered.
 */
export async function redrive(
  amqpUrl: string,
  { count, ordersPerS, quietS }: { readonly count: number; readonly ordersPerS: number; readonly quietS: number },
): Promise<RedriveResult> {
  const bus = await connected(amqpUrl, 'bench');
  const fresh = createFresh(bus, ordersPerS);
  const shared = { amqpUrl, ttlMs: 60_000, onCompleted: fresh.completed, onMessage() {} };
  const stops: (() => Promise<void>)[] = [];
  for (const name of participants) stops.push(await host(name, shared));
  await fillWallets(bus);
  await fresh.run(async () => systemClock.sleep(2000));
  const before = await fresh.run(async () => systemClock.sleep(quietS * 1000));

  await park(bus, count);
  const breakerBus = await connected(amqpUrl, 'bench-breaker');
  const start = performance.now();
  let seconds = 0;
  let redriven = 0;
  const during = await fresh.run(async () => {
    const term = await act(breakerBus, 'bench', { ttlMs: 60_000, delayMs: 2000, cycleMs: CYCLE_MS, badCycles: 3 });
    const view = term.routes.get('payment')?.view;
    while (redriven < count) {
      await systemClock.sleep(100);
      redriven = view?.().redriven ?? count;
    }
    seconds = (performance.now() - start) / 1000;
    term.end();
    await term.session.close();
  });
  const after = await fresh.run(async () => systemClock.sleep(quietS * 1000));
  for (const stop of stops) await stop();
  await Promise.all([bus.close(), breakerBus.close()]);
  return { without: [...before, ...after], during, redriven, seconds };
}

async function park(bus: Bus, count: number): Promise<void> {
  const now = systemClock.now();
  const amount = { amount: 1299, currency: 'EUR' } as const;
  await Promise.all(
    Array.from({ length: count }, (_, n) => {
      const orderId = `parked-${n}`;
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
function createFresh(bus: Bus, perS: number) {
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
