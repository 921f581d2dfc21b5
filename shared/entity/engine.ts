import { createCommitter } from './commit.ts';
import { createConsumers } from './consumers.ts';
import type { Entity } from './entity.ts';
import { watchForStandstill, type GivingBack } from './giving-back.ts';
import { createInbox } from './inbox.ts';
import type { Limits } from './limits.ts';
import { createMailboxes } from './mailboxes.ts';
import { createOutbox } from './outbox.ts';
import { createPump } from './pump.ts';
import type { Intercept } from './run.ts';
import type { EntityStore } from './store.ts';
import { startSweep } from './sweep.ts';
import type { Bus } from '#shared/bus/bus.ts';
import type { Clock } from '#shared/clock.ts';
import type { Log } from '#shared/log.ts';

export interface EngineOptions<State> {
  readonly entity: Entity<State>;
  readonly bus: Bus;
  readonly store: EntityStore<State>;
  readonly clock: Clock;
  readonly log: Log;
  /** The partition queues to consume. */
  readonly queues: readonly string[];
  readonly limits: Limits;
  /** Wraps every run of a handler; for fault injection. */
  readonly intercept?: Intercept;
  readonly meter?: EngineMeter;
}

/** What the engine counts; all monotonic. */
export interface EngineMeter {
  handled(type: string): void;
  retried(type: string): void;
  died(type: string): void;
  committed(documents: number, lost: number): void;
}

export interface Engine {
  /** Registers on every partition; resolves when the broker has confirmed all of them. */
  start(): Promise<void>;
  /** Gives back what is not acknowledged and takes nothing more, until `start` is called again. */
  pause(): Promise<void>;
  /** Starts nothing new, finishes, commits, publishes and acknowledges what runs, then closes the channels. */
  drain(deadlineMs: number): Promise<void>;
  /** Registered on every partition. */
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
  const outbox = createOutbox({ route: entity.route, bus, store, clock, log });
  const mailboxes = createMailboxes<State>({ store, clock, log, limits, wakeUp: (box) => pump.pump(box) });
  const consumers = createConsumers({
    bus,
    clock,
    queues: options.queues,
    prefetch: limits.prefetch,
    onDelivery: (receipt) => pump.deliver(receipt),
    onChannelLost: (channel) => mailboxes.dropChannel(channel),
    onAck: () => givingBack?.progress(),
  });
  const committer = createCommitter<State>({
    store,
    outbox,
    clock,
    log,
    consumers,
    meter,
    mailboxes,
    pump: (box) => pump.pump(box),
  });
  const pump = createPump<State>({ ...options, meter, inbox, outbox, mailboxes, committer, consumers });
  let stopSweep: (() => void) | undefined;
  let givingBack: GivingBack | undefined;

  function rest(): void {
    stopSweep?.();
    stopSweep = undefined;
    givingBack?.stop();
    givingBack = undefined;
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
      const deadline = clock.now() + deadlineMs;
      while (clock.now() < deadline && (mailboxes.busy() || committer.busy())) await clock.sleep(5);
      consumers.flush();
      await consumers.close();
    },
    get ready() {
      return consumers.ready();
    },
  };
}
