import { createCommitter } from './commit.ts';
import { createDeliveries } from './delivery.ts';
import { createHandlers } from './handlers.ts';
import { createKeys } from './keys.ts';
import type { Mailbox } from './mailbox.ts';
import { NO_METER, type Cached, type EngineOptions, type QueueFigures } from './options.ts';
import { createOutbox } from './outbox.ts';
import { createWaits, startSweep, watchForStandstill, type GivingBack } from './watch.ts';
import { createConsumers } from '#shared/bus/registrations.ts';

export interface Engine {
  /** Registers on every queue that it holds; resolves when the broker has confirmed all of them. */
  start(): Promise<void>;
  /** Holds a queue from now on: registers on a fresh channel, at once unless the engine pauses. */
  take(queue: string): Promise<void>;
  /**
   * Holds a queue no longer: starts nothing new of it, finishes, commits, publishes and acknowledges what runs, for at
   * most `deadlineMs`, then closes its channel; the rest goes back in place to the next registered consumer.
   */
  release(queue: string, deadlineMs: number): Promise<void>;
  held(): readonly string[];
  /** By queue, of those that it holds or held. */
  figures(): ReadonlyMap<string, QueueFigures>;
  /** Documents in memory; bounded by `cacheSize` and `cacheBytes` as far as they are not in use. */
  readonly cached: Cached;
  /** Gives back what is not acknowledged and takes nothing more, until `start` is called again. */
  pause(): Promise<void>;
  /** Starts nothing new, finishes, commits, publishes and acknowledges what runs, then closes the channels. */
  drain(deadlineMs: number): Promise<void>;
  /** Registered on every queue that it holds. */
  readonly ready: boolean;
}

/**
 * Runs one entity: takes its messages from the partition queues, applies them per key in order, and for each batch
 * commits the documents, publishes what follows with confirms, then acknowledges; never in another order.
 */
export function createEngine<State>(options: EngineOptions<State>): Engine {
  const { entity, clock, log, limits } = options;
  const meter = options.meter ?? NO_METER;
  const all = { ...options, meter, pump };
  const waits = createWaits();
  const keys = createKeys<State>({ ...all, isAlive: (channel) => consumers.alive(channel) });
  const consumers = createConsumers({
    ...options,
    prefetch: limits.prefetch,
    settledAfterMs: limits.ttlMs + limits.stashAfterMs,
    onDelivery: (delivery, consumer) => deliveries.deliver(delivery, consumer),
    onChannelLost: (channel) => keys.dropChannel(channel),
    onAck: (queue) => givingBack?.progress(queue),
    onBusy: () => givingBack?.busy(),
  });
  const outbox = createOutbox<State>({ ...all, consumers, keys });
  const committer = createCommitter<State>({ ...all, keys, outbox, waits });
  const deliveries = createDeliveries<State>({
    ...all,
    handlers: createHandlers<State>(options),
    outbox,
    keys,
    committer,
    consumers,
    giveBack: (reason) => givingBack?.now(reason),
  });
  let stopSweep: (() => void) | undefined;
  let givingBack: GivingBack | undefined;

  function pump(box: Mailbox<State>): void {
    deliveries.pump(box);
  }

  function standing(): ReadonlyMap<string, number> {
    const found = new Map<string, number>();
    for (const [channel, since] of [...keys.standing(), ...outbox.standing()]) {
      const queue = consumers.queueOf(channel);
      if (queue !== undefined) found.set(queue, Math.min(since, found.get(queue) ?? Infinity));
    }
    return found;
  }

  function rest(): void {
    stopSweep?.();
    stopSweep = undefined;
    givingBack?.stop();
    givingBack = undefined;
  }

  async function atRest(busy: () => boolean, deadlineMs: number): Promise<void> {
    const deadline = clock.now() + deadlineMs;
    while (clock.now() < deadline && busy()) await clock.sleep(5);
  }

  return {
    async start() {
      deliveries.resume();
      await consumers.open();
      givingBack ??= watchForStandstill({
        clock,
        log,
        route: entity.route,
        patienceMs: limits.stashAfterMs,
        waiting: () => consumers.waiting(),
        standing,
        held: () => consumers.held(),
        close: (queue) => consumers.suspend(queue),
        open: (queue) => consumers.resume(queue),
      });
      stopSweep ??= startSweep(options);
    },
    async pause() {
      rest();
      await consumers.close();
    },
    async drain(deadlineMs) {
      deliveries.stop();
      rest();
      await atRest(() => keys.busy() || committer.busy() || outbox.busy() || deliveries.detached > 0, deadlineMs);
      consumers.flush();
      await consumers.close();
    },
    take: (queue) => consumers.take(queue),
    async release(queue, deadlineMs) {
      const channel = consumers.channelOf(queue);
      if (channel !== undefined) {
        deliveries.stop(channel);
        await atRest(() => keys.busy(channel) || outbox.busy(channel), deadlineMs);
        consumers.flush();
      }
      await consumers.leave(queue);
    },
    held: () => consumers.held(),
    figures() {
      const oldest = keys.oldest();
      const waited = waits.recent(clock.now());
      const handled = consumers.acknowledged();
      return new Map(
        [...new Set([...consumers.held(), ...handled.keys()])].map((queue) => [
          queue,
          {
            oldestSince: oldest.get(queue),
            waitedMs: waited.get(queue),
            handled: handled.get(queue) ?? 0,
          },
        ]),
      );
    },
    get cached() {
      return keys.cached;
    },
    get ready() {
      return consumers.ready();
    },
  };
}
