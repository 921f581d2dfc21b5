import { createCommitter } from './commit.ts';
import { createConsumers } from './consumers.ts';
import type { Entity } from './entity.ts';
import { watchForStandstill, type GivingBack } from './giving-back.ts';
import { watchForHanging } from './hanging.ts';
import { createInbox } from './inbox.ts';
import type { Limits } from './limits.ts';
import { createMailboxes } from './mailboxes.ts';
import { createOutbox } from './outbox.ts';
import { createPump } from './pump.ts';
import type { Intercept } from './run.ts';
import type { EntityStore } from './store.ts';
import { startSweep } from './sweep.ts';
import { createWaits } from './waits.ts';
import type { Bus } from '#shared/bus/bus.ts';
import type { Clock } from '#shared/clock.ts';
import type { Log } from '#shared/log.ts';

export interface EngineOptions<State> {
  readonly entity: Entity<State>;
  readonly bus: Bus;
  readonly store: EntityStore<State>;
  readonly clock: Clock;
  readonly log: Log;
  /** The partition queues to consume from the start; `take` and `release` change them. */
  readonly queues: readonly string[];
  /** Whose registrations these are, for the broker's management. */
  readonly worker?: string;
  /** Every new registration at the broker, under an id of its own, and (`undefined`) the end of one. */
  readonly onRegistration?: (queue: string, id: string | undefined) => void;
  readonly limits: Limits;
  /** Wraps every run of a handler; for fault injection. */
  readonly intercept?: Intercept | undefined;
  readonly meter?: EngineMeter;
  /** Told of every commit; for checking histories. */
  readonly history?: ((commit: CommittedRuns) => void) | undefined;
}

/** What an engine has to do with one queue. */
export interface QueueFigures {
  /** When the oldest of the messages that wait or run in this process was delivered, epoch ms. */
  readonly oldestSince: number | undefined;
  /** How long messages waited lately, on average, ms; see `waits.ts`. */
  readonly waitedMs: number | undefined;
  /** Acknowledged since the engine was made. */
  readonly handled: number;
}

/** One write of one document, with the handler runs that it holds. Times in epoch ms. */
export interface CommittedRuns {
  readonly key: string;
  /** The version that the runs were based on, and the one that was written. */
  readonly over: number;
  readonly version: number;
  readonly messages: readonly { readonly id: string; readonly type: string }[];
  /** When the first of the runs began; they may begin while the same engine is still writing the version before. */
  readonly startedAt: number;
  readonly committedAt: number;
  /** `lost`: another write came first, nothing of this one counts. `unknown`: the store did not say. */
  readonly outcome: 'committed' | 'lost' | 'unknown';
}

/** What the engine counts; all monotonic. */
export interface EngineMeter {
  handled(type: string): void;
  retried(type: string): void;
  died(type: string): void;
  committed(documents: number, lost: number): void;
}

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

const NO_METER: EngineMeter = { handled() {}, retried() {}, died() {}, committed() {} };

/**
 * Runs one entity: takes its messages from the partition queues, applies them per key in order, and for each batch
 * commits the documents, publishes what follows with confirms, then acknowledges; never in another order.
 */
export function createEngine<State>(options: EngineOptions<State>): Engine {
  const { entity, bus, store, clock, log, limits } = options;
  const meter = options.meter ?? NO_METER;
  const inbox = createInbox(entity);
  const waits = createWaits();
  const outbox = createOutbox({ route: entity.route, bus, store, clock, log });
  const mailboxes = createMailboxes<State>({ store, clock, log, limits, wakeUp: (box) => pump.pump(box) });
  const consumers = createConsumers({
    bus,
    clock,
    queues: options.queues,
    prefetch: limits.prefetch,
    worker: options.worker,
    onRegistration: options.onRegistration,
    onDelivery: (receipt) => pump.deliver(receipt),
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
    pump: (box) => pump.pump(box),
  });
  const pump = createPump<State>({
    ...options,
    meter,
    inbox,
    outbox,
    mailboxes,
    committer,
    consumers,
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
      pump.resume();
      await consumers.open();
      givingBack ??= watchForStandstill({
        clock,
        log,
        route: entity.route,
        patienceMs: limits.stashAfterMs,
        waiting: () => consumers.waiting(),
        close: () => consumers.close(),
        open: () => consumers.open(),
      });
      stopSweep ??= startSweep({ route: entity.route, bus, store, clock, log, everyMs: limits.sweepMs });
    },
    async pause() {
      rest();
      await consumers.close();
    },
    async drain(deadlineMs) {
      pump.stop();
      rest();
      await atRest(() => mailboxes.busy() || committer.busy(), deadlineMs);
      consumers.flush();
      await consumers.close();
    },
    take: (queue) => consumers.take(queue),
    async release(queue, deadlineMs) {
      const channel = consumers.channelOf(queue);
      if (channel !== undefined) {
        pump.stopChannel(channel);
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
