import type { JournalRecord } from './entity.ts';
import { canonicalJson } from '#shared/canonical-json.ts';
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
  /** The partition queue by which its last message came; absent: none came since this is recorded. */
  readonly partition?: string;
  /** Epoch ms: nothing of it is of use any more, and from then on the store may drop it; absent: it stays. */
  readonly expiresAt?: number;
  /** Epoch ms: until then some ids that it handled are remembered outside (`recall`); `Infinity`: as long as it lives; absent: none are. */
  readonly spilledUntil?: number;
}

export interface Stashed {
  readonly message: Send['message'];
  readonly attempts: number;
  readonly lastError?: string;
  readonly nextTryAt: number;
  /** When it was delivered, epoch ms. */
  readonly since?: number;
  /** The partition by which it came, if its key's messages came by another one: it waits until none of those can still be on its way. */
  readonly movedTo?: string;
  /** It is being tried by somebody who needs long, and who has surely ended by then, epoch ms. */
  readonly leasedUntil?: number;
  /** Its type was not known when it came: its body was not checked. */
  readonly unread?: true;
}

export interface Unsent {
  readonly send: Send;
  readonly attempts: number;
  readonly reason: string;
  readonly since: number;
  readonly nextTryAt: number;
}

/**
 * A document as it should be, valid only where the stored version is still `over` (0: where there is none). One that is not there any
 * more, because it was archived meanwhile, is written again as a whole.
 */
export interface Write<State> {
  readonly over: number;
  readonly document: Document<State>;
}

/** What became of a batch of writes. A key that is in neither is written. */
export interface CommitOutcome {
  /** Keys whose stored version was not `over`: nothing of theirs was written. */
  readonly lost: ReadonlySet<string>;
  /** Keys whose document the database will never take (too large, invalid), each with the reason: nothing of theirs was written. */
  readonly refused: ReadonlyMap<string, string>;
}

/** A handled id that has left its document, or is about to. */
export interface RememberedId {
  readonly key: string;
  readonly handled: Handled;
}

export interface DueKey {
  readonly key: string;
  readonly dueAt: number;
  readonly partition?: string;
}

/** Records that were to be appended, whose ids the journal has with other content: those stay as they are, all others were written. */
export class JournalConflict extends Error {
  override readonly name = 'JournalConflict';
  readonly ids: readonly string[];

  constructor(ids: readonly string[]) {
    super(`the journal has other records under these ids: ${ids.join(', ')}`);
    this.ids = ids;
  }
}

/**
 * Where an engine keeps its documents. Two implementations (memory, mongoose) pass one conformance suite.
 * Every write is a compare-and-set; nothing here relies on being the only writer. What is read cannot be rolled back any more, and a
 * write that has resolved cannot either.
 */
export interface EntityStore<State> {
  /** The documents of those keys that have one that has not expired. */
  load(keys: readonly string[]): Promise<ReadonlyMap<string, Document<State>>>;
  /** One unordered bulk write. Rejects when the outcome of the whole batch is not known; the caller must then reload every key. */
  commit(writes: readonly Write<State>[]): Promise<CommitOutcome>;
  /**
   * Keeps handled ids outside their documents, each until its `until`; kept again, the newer counts. Resolves before the
   * document without them may be committed.
   */
  remember(records: readonly RememberedId[]): Promise<void>;
  /** Those of `ids` that are remembered outside the document of `key`; one that expired a minute ago may still be among them. */
  recall(key: string, ids: readonly string[]): Promise<ReadonlyMap<string, Handled>>;
  /** Those of these records that the journal has, by id; none where there is no journal. */
  records(ids: readonly string[]): Promise<ReadonlyMap<string, JournalRecord>>;
  /** Writes the records whose ids the journal does not have. Rejects with `JournalConflict` for those that it has with other content. */
  append(records: readonly JournalRecord[]): Promise<void>;
  /**
   * Keys with `dueAt <= now`, earliest first. When there are more than `limit`, each partition gets an equal share, and what one
   * leaves goes to the others: no partition starves another.
   */
  due(now: number, limit: number): Promise<readonly DueKey[]>;
}

/**
 * At most `limit` of the keys, an equal share of each group; what one leaves goes to the others. Groups are sorted by `dueAt`, and so
 * is the result.
 */
export function fairShare(groups: readonly (readonly DueKey[])[], limit: number): readonly DueKey[] {
  const waiting = groups.filter((group) => group.length > 0).toSorted(([a], [b]) => a!.dueAt - b!.dueAt);
  const chosen: DueKey[] = [];
  for (let rank = 0; chosen.length < limit; rank += 1) {
    const row = waiting.flatMap((group) => group[rank] ?? []);
    if (row.length === 0) break;
    chosen.push(...row.slice(0, limit - chosen.length));
  }
  return chosen.toSorted((a, b) => a.dueAt - b.dueAt);
}

/** Whether two journal records say the same: in whatever order their fields are, and `undefined` is no field. `_id` does not count. */
export function sameRecord(a: object, b: object): boolean {
  return textOf(a) === textOf(b);
}

function textOf(record: object): string {
  const { _id, ...fields } = record as { readonly _id?: unknown };
  return canonicalJson(fields);
}
