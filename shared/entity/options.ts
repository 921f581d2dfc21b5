import type { Entity } from './entity.ts';
import type { Limits } from './limits.ts';
import type { Intercept } from './run.ts';
import type { EntityStore } from './store.ts';
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
  /** Whether this service may write to a route's `.hash`; whoever asks for an answer elsewhere is refused. Absent: to every route. */
  readonly mayAnswer?: ((route: string) => boolean) | undefined;
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
  /** `lost`: another write came first, or the database refused it; nothing of this one counts. `unknown`: the store did not say. */
  readonly outcome: 'committed' | 'lost' | 'unknown';
}

/** What the engine counts; all monotonic. */
export interface EngineMeter {
  handled(type: string): void;
  retried(type: string): void;
  died(type: string): void;
  committed(documents: number, lost: number): void;
  /** A message of a key came by another partition than the one before it. */
  moved?(): void;
}

export const NO_METER: EngineMeter = { handled() {}, retried() {}, died() {}, committed() {} };
