import type { JournalRecord } from './entity.ts';
import type { Send } from '#shared/message.ts';

/** A message id that was applied, with what it caused: a duplicate causes the same again and changes nothing. */
export interface Handled {
  readonly id: string;
  /** Epoch ms until which it is kept; absent: as long as the entity. */
  readonly until?: number;
  /** The answer given, also when nobody asked for one. */
  readonly answer?: { readonly type: string; readonly body: unknown };
  /** What it caused besides the answer; dropped by the first commit after the broker confirmed all of it. */
  readonly sent?: readonly Send[];
}

/** The one document of a key. It is its own inbox (`handled`, `stash`) and outbox (`unsent`, `journal`). */
export interface Document<State> {
  readonly key: string;
  /** 0 before the first commit; +1 for every applied message. */
  readonly version: number;
  readonly state: State | undefined;
  readonly handled: readonly Handled[];
  /** Messages taken off the queue because the key is in trouble, oldest first. */
  readonly stash: readonly Stashed[];
  /** Sends that the broker refused, to be tried again from `dueAt` on. */
  readonly unsent: readonly Unsent[];
  /** Records that are not known to be in the journal yet. */
  readonly journal: readonly JournalRecord[];
  /** Trace context of the last message that had one; a wake goes on under it. */
  readonly traceparent?: string;
  /** Epoch ms: the earliest of the entity's own due time, the stash's and the unsent's; absent: nothing is due. */
  readonly dueAt?: number;
}

export interface Stashed {
  readonly message: Send['message'];
  readonly attempts: number;
  readonly lastError?: string;
  readonly nextTryAt: number;
}

export interface Unsent {
  readonly send: Send;
  readonly attempts: number;
  readonly reason: string;
  readonly since: number;
  readonly nextTryAt: number;
}

/** A document as it should be, valid only where the stored version is still `over` (0: where there is none). */
export interface Write<State> {
  readonly over: number;
  readonly document: Document<State>;
}

/**
 * Where an engine keeps its documents. Two implementations (memory, mongoose) pass one conformance suite.
 * Every write is a compare-and-set; nothing here relies on being the only writer.
 */
export interface EntityStore<State> {
  /** The documents of those keys that have one. */
  load(keys: readonly string[]): Promise<ReadonlyMap<string, Document<State>>>;
  /**
   * One unordered bulk write. Returns the keys that lost: their stored version was not `over`, nothing of theirs was
   * written. Rejects when the outcome of the whole batch is not known; the caller must then reload every key.
   */
  commit(writes: readonly Write<State>[]): Promise<ReadonlySet<string>>;
  /** Upserts records by id; one that exists stays as it is. */
  append(records: readonly JournalRecord[]): Promise<void>;
  /** The keys with `dueAt <= now`, earliest first. */
  due(now: number, limit: number): Promise<readonly { readonly key: string; readonly dueAt: number }[]>;
}
