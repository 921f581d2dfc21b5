import { fillUp, isFillingUp, orderMessage } from '#bench/loop/load.ts';
import { host, participants } from '#bench/loop/participants.ts';
import { TTL_MS } from '#bench/world.ts';
import { SAGA_ROUTE } from '#services/saga/contract.ts';
import { routeTable } from '#services/services.ts';
import type { Bus } from '#shared/bus/bus.ts';
import { encode } from '#shared/bus/envelope.ts';
import { createMemoryBroker } from '#shared/bus/memory/memory-bus.ts';
import { inbox, topologyOf } from '#shared/bus/topology/topology.ts';
import { systemClock } from '#shared/clock.ts';

/** One message of a saga, as it is published here. */
export interface SagaMessage {
  readonly type: string;
  /** Whom it is delivered to, the saga last. */
  readonly routes: readonly string[];
  readonly content: string;
}

/** A message that one participant has to carry out. */
export interface SagaStep {
  readonly type: string;
  readonly route: string;
  readonly content: string;
}

/** What one happy order publishes, in the order in which it is handled: what the peers have to do as well. */
export interface SagaShape {
  readonly messages: readonly SagaMessage[];
  readonly steps: readonly SagaStep[];
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
  const { promise: ended, resolve: onCompleted } = Promise.withResolvers<unknown>();
  const stops: (() => Promise<void>)[] = [];
  for (const route of participants) {
    const onMessage = (type: string): void => {
      if (!isFillingUp(type)) handled.push({ type, route });
    };
    stops.push(await host(route, { amqpUrl: '', connect, ttlMs: TTL_MS, onCompleted, onMessage }));
  }
  await fillUp(bus, 1);
  await bus.publish(inbox('order'), encode(orderMessage(systemClock.id(), 0, 1)));
  await ended;
  for (const stop of stops) await stop();
  const messages = [...new Set(handled.map(({ type }) => type))].map((type) => ({
    type,
    routes: handled.filter((one) => one.type === type).map(({ route }) => route),
    content: contents.get(type) ?? '',
  }));
  const sagaLast = messages.map((one) => ({ ...one, routes: one.routes.toSorted((a, b) => isSaga(a) - isSaga(b)) }));
  const steps = messages
    .filter(({ routes }) => !routes.includes(SAGA_ROUTE))
    .flatMap(({ type, routes, content }) => routes.map((route) => ({ type, route, content })));
  return { messages: sagaLast, steps };
}

function isSaga(route: string): number {
  return route === SAGA_ROUTE ? 1 : 0;
}
