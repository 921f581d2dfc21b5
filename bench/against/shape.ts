import { createClosedLoop } from '#bench/loop/closed-loop.ts';
import { fillWallets, orderMessage } from '#bench/loop/load.ts';
import { host, participants } from '#bench/loop/participants.ts';
import { TTL_MS } from '#bench/world.ts';
import { routeTable, SAGA_ROUTE } from '#services/routes.ts';
import { topUp } from '#services/wallet/contract.ts';
import type { Bus } from '#shared/bus/bus.ts';
import { encode } from '#shared/bus/envelope.ts';
import { createMemoryBroker } from '#shared/bus/memory.ts';
import { inbox, topologyOf } from '#shared/bus/topology.ts';
import { systemClock } from '#shared/clock.ts';

/** One message of a saga, as it is sent here. */
export interface SagaMessage {
  readonly type: string;
  /** Whom it is for. */
  readonly route: string;
  readonly content: string;
}

/** What one happy order sends, in the order in which it is handled: what the peers have to do as well. */
export interface SagaShape {
  readonly messages: readonly SagaMessage[];
  /** Those that somebody other than the saga has to carry out. */
  readonly steps: readonly SagaMessage[];
}

/** Sends one order over a broker in memory and writes down what it causes. */
export async function shapeOfSaga(): Promise<SagaShape> {
  const broker = createMemoryBroker({ clock: systemClock });
  broker.apply(topologyOf(routeTable, { ttlMs: TTL_MS, delayMs: 2000 }, 'bench'));
  const contents = new Map<string, string>();
  const connect = (name: string): Bus => {
    const bus = broker.connect(name);
    return {
      ...bus,
      publish(exchange, packet, routingKey) {
        if (packet.type !== undefined) contents.set(packet.type, packet.content.toString());
        return bus.publish(exchange, packet, routingKey);
      },
    };
  };
  const bus = connect('gateway');
  const handled: { readonly type: string; readonly route: string }[] = [];
  const loop = createClosedLoop((orderId, n) => bus.publish(inbox('order'), encode(orderMessage(orderId, n, 1))));
  const stops: (() => Promise<void>)[] = [];
  for (const route of participants) {
    const onMessage = (type: string): void => {
      if (type !== topUp.name) handled.push({ type, route });
    };
    stops.push(await host(route, { amqpUrl: '', connect, ttlMs: TTL_MS, onCompleted: loop.completed, onMessage }));
  }
  await fillWallets(bus, 1);
  await loop.run({ inFlight: 1, seconds: 0, warmUpSeconds: 0 });
  for (const stop of stops) await stop();
  const messages = handled.map(({ type, route }) => ({ type, route, content: contents.get(type) ?? '' }));
  return { messages, steps: messages.filter(({ route }) => route !== SAGA_ROUTE) };
}
