import type { PartitionRegistration } from './announcement.ts';
import type { Duty, Held } from './duties.ts';
import { backoffMs } from '#shared/backoff.ts';
import type { Clock } from '#shared/clock.ts';
import { reasonOf } from '#shared/errors.ts';
import type { Log } from '#shared/log.ts';

/** What is needed of the engine: see `Engine`. */
export interface Taker {
  take(queue: string): Promise<void>;
  release(queue: string, deadlineMs: number): Promise<void>;
  held(): readonly string[];
}

export interface Registrations {
  /** What may be announced: nobody who relies on one of these does so in vain, unless a channel or process dies. */
  announced(): Readonly<Record<string, PartitionRegistration>>;
  has(index: number): boolean;
  /** What the engine holds, by partition index. */
  held(): ReadonlyMap<number, Held>;
  /** Does these, one thing at a time for each partition, what failed after a while again. */
  perform(duties: readonly Duty[]): void;
  /** Gives up whatever is left, finishing what runs for at most `deadlineMs`. */
  releaseAll(deadlineMs: number): Promise<void>;
  /** Holds nothing and nothing is under way. */
  empty(): boolean;
  /** To be told by the engine. */
  onRegistration(queue: string, id: string | undefined): void;
}

const RETRY = { baseMs: 200, capMs: 5000 };

/** The partitions that the engine is told to take and release, and where that stands. */
export function createRegistrations(options: {
  readonly engine: Taker;
  readonly clock: Clock;
  readonly log: Log;
  /** By partition index. */
  readonly queues: readonly string[];
  readonly releaseMs: number;
  /** What may be announced has changed. */
  readonly onChange: () => void;
  /** Something that was under way is done. */
  readonly onDone: () => void;
}): Registrations {
  const { engine, clock, log, queues, releaseMs, onChange, onDone } = options;
  const registered = new Map<number, PartitionRegistration>();
  /** The owner's registration that the one to come is behind. */
  const behind = new Map<number, string>();
  const underWay = new Map<number, 'take' | 'release'>();
  const trouble = new Map<number, { readonly failures: number; readonly retryAt: number }>();

  /** Stops announcing the registration before it is released: other workers must not count on it any more. */
  function forget(index: number): void {
    if (registered.delete(index)) onChange();
  }

  async function carryOut(duty: Duty): Promise<void> {
    if ('take' in duty) {
      if (duty.behind === undefined) behind.delete(duty.take);
      else behind.set(duty.take, duty.behind);
      await engine.take(queues[duty.take]!);
    } else {
      forget(duty.release);
      await engine.release(queues[duty.release]!, releaseMs);
    }
  }

  async function attempt(duty: Duty, index: number): Promise<void> {
    underWay.set(index, 'take' in duty ? 'take' : 'release');
    try {
      await carryOut(duty);
      trouble.delete(index);
    } catch (error) {
      const failures = (trouble.get(index)?.failures ?? 0) + 1;
      trouble.set(index, { failures, retryAt: clock.now() + backoffMs(RETRY, failures, clock.random) });
      if (failures === 1) log.warn('cannot take or release', { queue: queues[index], reason: reasonOf(error) });
    } finally {
      underWay.delete(index);
    }
    onDone();
  }

  return {
    announced: () => Object.fromEntries(registered),
    has: (index) => registered.has(index),
    held: () =>
      new Map(
        engine.held().map((queue) => {
          const index = queues.indexOf(queue);
          return [index, registered.get(index) ?? {}];
        }),
      ),
    perform(duties) {
      for (const duty of duties) {
        const index = 'take' in duty ? duty.take : duty.release;
        if (underWay.has(index) || clock.now() < (trouble.get(index)?.retryAt ?? 0)) continue;
        void attempt(duty, index);
      }
    },
    async releaseAll(deadlineMs) {
      const rest = engine.held();
      for (const queue of rest) forget(queues.indexOf(queue));
      await Promise.all(rest.map((queue) => engine.release(queue, deadlineMs)));
    },
    empty: () => underWay.size === 0 && engine.held().length === 0,
    onRegistration(queue, id) {
      const index = queues.indexOf(queue);
      if (index < 0 || underWay.get(index) === 'release') return;
      if (id === undefined) {
        forget(index);
        return;
      }
      const after = behind.get(index);
      behind.delete(index);
      registered.set(index, after === undefined ? { id } : { id, behind: after });
      onChange();
    },
  };
}
