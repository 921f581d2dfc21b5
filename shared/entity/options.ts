import type { Context, Entity, Handler, Result } from './entity.ts';
import type { EntityStore } from './store.ts';
import type { Backoff } from '#shared/backoff.ts';
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
  /** Whether this service may write to a route's `.hash`; a message that asks for an answer elsewhere is refused. Absent: to every route. */
  readonly mayAnswer?: ((route: string) => boolean) | undefined;
  /** Wraps every run of a handler; for fault injection. */
  readonly intercept?: Intercept | undefined;
  readonly meter?: EngineMeter;
  /** Told of every commit; for checking histories. */
  readonly history?: ((commit: CommittedRuns) => void) | undefined;
}

/** Stands between the engine and a handler; for fault injection. May answer in the handler's place, fail, or wait. */
export type Intercept = <State>(
  handler: Handler<State> | undefined,
  state: State | undefined,
  context: Context,
  run: () => Result<State> | Promise<Result<State>>,
) => Result<State> | Promise<Result<State>>;

/** What an engine has to do with one queue. */
export interface QueueFigures {
  /** When the oldest of the messages that wait or run in this process was delivered, epoch ms. */
  readonly oldestSince: number | undefined;
  /** How long messages waited lately, on average, ms; see `watch.ts`. */
  readonly waitedMs: number | undefined;
  /** Acknowledged since the engine was made. */
  readonly handled: number;
}

/** What an engine has in memory. */
export interface Cached {
  readonly keys: number;
  /** Of their documents, estimated. */
  readonly bytes: number;
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

/** Unacknowledged deliveries that a worker takes of each partition. */
export const PREFETCH = 100;

/** What an engine may take; every time follows from the queues' TTL, so that trouble shows before messages expire unseen. */
export interface Limits {
  /** How long a message may wait in a queue. */
  readonly ttlMs: number;
  /** Unacknowledged deliveries per partition. */
  readonly prefetch: number;
  /** Keys whose handlers may be at work at once. */
  readonly concurrency: number;
  /** An effect outside (HTTP, SMTP) is aborted after this long: under a quarter of the TTL. */
  readonly effectMs: number;
  /** Long effects that may go on without a delivery at once. */
  readonly detached: number;
  /** How long after its limit a long effect is taken to have ended, on whatever machine it ran. */
  readonly leaseMarginMs: number;
  /** A failing message and its successors leave the queue for the document this long after delivery: half a TTL. */
  readonly stashAfterMs: number;
  /** Messages that one document can hold back. */
  readonly stashSize: number;
  /** Sends that one document can owe before its key stops handling messages. */
  readonly unsentSize: number;
  /** Handled ids that a document holds itself; older ones are remembered outside. */
  readonly handledIds: number;
  /** How long an id is remembered outside that has no time of its own, and at most if it has. */
  readonly rememberMs: number;
  /** No document is written that is larger than this, estimated as JSON. */
  readonly maxDocumentBytes: number;
  /** So many keys whose effects of one type time out, without one success between, and the effect hangs for everybody. */
  readonly hangingKeys: number;
  /** Tries of one message before it becomes a dead letter. */
  readonly attempts: number;
  /** Tries of one message whose document the database refuses. */
  readonly refusals: number;
  readonly retry: Backoff;
  /** Waits between tries to send what the broker refused. */
  readonly resend: Backoff;
  /** After this long a send that is refused and has no deadline is a dead letter. */
  readonly unsentMs: number;
  /** A message of a type that is not known is tried for this long: a newer version of this service may come to know it. */
  readonly unknownTypeMs: number;
  /** How long a handled id outlives its deadline, ms. */
  readonly skewMs: number;
  /** Documents kept in memory, by number and by estimated bytes. */
  readonly cacheSize: number;
  readonly cacheBytes: number;
  /** How often the store is asked for keys that are due. */
  readonly sweepMs: number;
  /** Keys that one sweep wakes at most. */
  readonly sweepSize: number;
}

/** The limits that go with a queue TTL in ms. */
export function limitsFor(ttlMs: number, override: Partial<Limits> = {}): Limits {
  return {
    ttlMs,
    prefetch: PREFETCH,
    concurrency: Infinity,
    effectMs: Math.floor(ttlMs * 0.24),
    detached: 100,
    leaseMarginMs: 10_000,
    stashAfterMs: Math.floor(ttlMs / 2),
    stashSize: 100,
    unsentSize: 50,
    handledIds: 200,
    rememberMs: 30 * 24 * 3_600_000,
    maxDocumentBytes: 64 * 1024,
    hangingKeys: 3,
    attempts: 10,
    refusals: 3,
    retry: { baseMs: 50, capMs: Math.max(50, Math.floor(ttlMs / 2)) },
    resend: { baseMs: 500, capMs: 60_000 },
    unsentMs: 24 * 3_600_000,
    unknownTypeMs: 60_000,
    skewMs: 30_000,
    cacheSize: 20_000,
    cacheBytes: 128 * 1024 * 1024,
    sweepMs: 500,
    sweepSize: 500,
    ...override,
  };
}
