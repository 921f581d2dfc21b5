import { createCommitter } from './commit.ts';
import { createConsumers } from './consumers.ts';
import { createHandling } from './handling.ts';
import { watchForHanging, watchForStandstill, type GivingBack } from './standstill.ts';
import { createInbox } from './inbox.ts';
import { release, type Mailbox } from './mailbox.ts';
import { createMailboxes } from './mailboxes.ts';
import { NO_METER, type EngineOptions, type QueueFigures } from './options.ts';
import { createOutbox } from './outbox.ts';
import { createSlots } from './run.ts';
import { startSweep } from './sweep.ts';
import { createWaits } from './waits.ts';

export interface Engine {
  /** Registers on every queue that it holds; resolves when the broker has confirmed all of them. */
  start(): Promise<void>;
  /** Holds a queue from now on: registers on a fresh channel, at once unless the engine pauses. */
  take(queue: string): Promise<void>;
  /**
   * Holds a queue no longer: starts nothing new of it, finishes, commits, publishes and acknowledges what runs, for at
   * most `deadlineMs`, then closes its channel; the rest goes back in place to whoever is registered next.
   */
  release(queue: string, deadlineMs: number): Promise<void>;
  held(): readonly string[];
  /** By queue, of those that it holds or held. */
  figures(): ReadonlyMap<string, QueueFigures>;
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
  const { entity, bus, store, clock, log, limits } = options;
  const meter = options.meter ?? NO_METER;
  const inbox = createInbox(entity, options.mayAnswer ?? (() => true));
  const waits = createWaits();
  const outbox = createOutbox({ route: entity.route, bus, store, clock, log });
  const mailboxes = createMailboxes<State>({ store, clock, log, limits, wakeUp: pump });
  const consumers = createConsumers({
    bus,
    clock,
    queues: options.queues,
    limits,
    worker: options.worker,
    onRegistration: options.onRegistration,
    onDelivery: (delivery, consumer) => handling.deliver(delivery, consumer),
    onChannelLost: (channel) => mailboxes.dropChannel(channel),
    onAck: () => givingBack?.progress(),
    onBusy: () => givingBack?.busy(),
  });
  const committer = createCommitter<State>({
    store,
    outbox,
    clock,
    log,
    consumers,
    meter,
    history: options.history,
    mailboxes,
    waits,
    limits,
    pump,
  });
  const slots = createSlots<Mailbox<State>>(limits.concurrency, clock.now, (box) => {
    if (box.head.is === 'queued') release(box);
    pump(box);
  });
  const handling = createHandling<State>({
    ...options,
    meter,
    inbox,
    outbox,
    mailboxes,
    committer,
    consumers,
    slots,
    hanging: watchForHanging({
      now: clock.now,
      effectMs: limits.effectMs,
      keysUntilWidespread: limits.hangingKeys,
      rememberMs: 4 * limits.stashAfterMs,
    }),
    giveBack: (reason) => givingBack?.now(reason),
  });
  let stopSweep: (() => void) | undefined;
  let givingBack: GivingBack | undefined;

  function pump(box: Mailbox<State>): void {
    handling.pump(box);
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
      handling.resume();
      await consumers.open();
      givingBack ??= watchForStandstill({
        clock,
        log,
        route: entity.route,
        patienceMs: limits.stashAfterMs,
        waiting: () => consumers.waiting(),
        standingSince: () => Math.min(mailboxes.standingSince(slots.movedAt), committer.settlingSince()),
        close: () => consumers.close(),
        open: () => consumers.open(),
      });
      stopSweep ??= startSweep({ route: entity.route, bus, store, clock, log, limits });
    },
    async pause() {
      rest();
      await consumers.close();
    },
    async drain(deadlineMs) {
      handling.stop();
      rest();
      await atRest(() => mailboxes.busy() || committer.busy() || handling.detached > 0, deadlineMs);
      consumers.flush();
      await consumers.close();
    },
    take: (queue) => consumers.take(queue),
    async release(queue, deadlineMs) {
      const channel = consumers.channelOf(queue);
      if (channel !== undefined) {
        handling.stop(channel);
        await atRest(() => mailboxes.busy(channel) || committer.busy(channel), deadlineMs);
        consumers.flush();
      }
      await consumers.leave(queue);
    },
    held: () => consumers.held(),
    figures() {
      const oldest = mailboxes.oldest();
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
    get ready() {
      return consumers.ready();
    },
  };
}
