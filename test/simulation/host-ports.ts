/** The ports of a simulated process: each call passes through where it may die, stand still or be failed. */
import type { Faults } from './faults.ts';
import type { Scheduler } from './scheduler.ts';
import type { Bus, Consumer } from '#shared/bus/bus.ts';
import type { EntityStore } from '#shared/entity/store.ts';

/** How calls get out of the process, and what follows from them gets in. */
export interface Passage {
  /** Lets something into the process: later when it stands still, never when it is dead. */
  enter(run: () => void): void;
  into<T>(promise: Promise<T>): Promise<T>;
  /** Every call to a port passes here. */
  port<T>(run: () => Promise<T>): Promise<T>;
}

export interface Outside {
  /** The same documents, through a connection that may fail. */
  store<State>(documents: EntityStore<State>): EntityStore<State>;
  /** A call to the outside world that takes a while, may fail before or after it took effect, and may never answer. */
  effect<T>(signal: AbortSignal, run: () => T): Promise<T>;
}

/** The same bus, seen from within the process. */
export function busThrough(raw: Bus, { enter, into, port }: Passage): Bus {
  return {
    publish: (exchange, packet, routingKey) => port(() => raw.publish(exchange, packet, routingKey)),
    async consume(queue, options) {
      let ours: Consumer | undefined;
      const wrapped = (consumer: Consumer): Consumer =>
        (ours ??= {
          queue,
          get active() {
            return consumer.active;
          },
          ack: (deliveries) => enter(() => consumer.ack(deliveries)),
          close: () => into(consumer.close()),
        });
      return wrapped(
        await port(() =>
          raw.consume(queue, {
            ...options,
            onDelivery: (delivery, consumer) => enter(() => options.onDelivery(delivery, wrapped(consumer))),
            onChannelLost: (channel) => enter(() => options.onChannelLost(channel)),
            onRegistered: () => enter(() => options.onRegistered?.()),
          }),
        ),
      );
    },
    subscribe: (exchange, keys, onPacket) =>
      port(() => raw.subscribe(exchange, keys, (packet, key) => enter(() => onPacket(packet, key)))),
    post(onReturned) {
      const post = raw.post((packet, exchange) => enter(() => onReturned(packet, exchange)));
      return {
        // A process that is dead sends nothing; whether what it sent arrives is the link's affair.
        send: (exchange, packet, key) => enter(() => post.send(exchange, packet, key)),
        close: () => into(post.close()),
      };
    },
    async session() {
      const session = await port(() => raw.session());
      return {
        declareExchange: (spec) => port(() => session.declareExchange(spec)),
        declareQueue: (spec) => port(() => session.declareQueue(spec)),
        bind: (binding) => port(() => session.bind(binding)),
        unbind: (binding) => port(() => session.unbind(binding)),
        publish: (exchange, packet, key) => port(() => session.publish(exchange, packet, key)),
        get: (queue) => port(() => session.get(queue)),
        consume: (queue, prefetch, onDelivery) =>
          port(() => session.consume(queue, prefetch, (delivery) => enter(() => onDelivery(delivery)))),
        ack: (delivery) => enter(() => session.ack(delivery)),
        release: (delivery) => enter(() => session.release(delivery)),
        depth: (queue) => port(() => session.depth(queue)),
        closed: into(session.closed),
        close: () => into(session.close()),
      };
    },
    get connected() {
      return raw.connected;
    },
    blocked: undefined,
    close: () => into(raw.close()),
  };
}

/** The database and the world outside, each call with its time and its faults. */
export function outsideThrough(
  { scheduler, faults }: { readonly scheduler: Scheduler; readonly faults: Faults },
  port: Passage['port'],
): Outside {
  const { clock: time, between } = scheduler;

  async function remote<T>(run: () => Promise<T>): Promise<T> {
    const slowMs = faults.strikes('store is slow') ? between(1, 1500) : 0;
    const isSlowBack = slowMs % 2 === 1;
    await time.sleep(isSlowBack || slowMs === 0 ? between(1, 4) : slowMs);
    if (faults.strikes('store refuses')) throw new Error('simulated: the store refuses');
    const result = await run();
    const backMs = isSlowBack ? slowMs : between(0, 3);
    if (backMs > 0) await time.sleep(backMs);
    if (faults.strikes('store applies, then fails')) throw new Error('simulated: the store applied it and failed');
    return result;
  }

  return {
    store: (documents) => ({
      load: (keys) => port(() => remote(() => documents.load(keys))),
      commit: (writes) => port(() => remote(() => documents.commit(writes))),
      remember: (records) => port(() => remote(() => documents.remember(records))),
      recall: (key, ids) => port(() => remote(() => documents.recall(key, ids))),
      records: (ids) => port(() => remote(() => documents.records(ids))),
      append: (records) => port(() => remote(() => documents.append(records))),
      due: (now, limit) => port(() => remote(() => documents.due(now, limit))),
    }),
    effect: (signal, run) =>
      port(async () => {
        if (faults.strikes('effect hangs')) return new Promise((_, reject) => abortWith(signal, reject));
        await time.sleep(between(1, 60));
        if (faults.strikes('effect fails')) throw new Error('simulated: the effect fails');
        const result = run();
        if (faults.strikes('effect happens, then fails')) throw new Error('simulated: done, and failed');
        return result;
      }),
  };
}

function abortWith(signal: AbortSignal, reject: (reason: Error) => void): void {
  signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
}
