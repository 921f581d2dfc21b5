import type { mongo } from 'mongoose';
import { isDuplicateKey } from '#shared/database/duplicate-key.ts';
import type { JournalRecord } from '#shared/entity/entity.ts';
import type { CommitOutcome, Document, Handled, Stashed, Unsent, Write } from '#shared/entity/store.ts';
import { reasonOf } from '#shared/errors.ts';

/** How a document is stored: the key is `_id`, empty lists are left out. */
export interface StoredDocument<State> {
  readonly _id: string;
  readonly version: number;
  readonly state?: State;
  readonly handled?: readonly Handled[];
  readonly stash?: readonly Stashed[];
  readonly unsent?: readonly Unsent[];
  readonly journal?: readonly JournalRecord[];
  readonly traceparent?: string;
  readonly dueAt?: number;
  readonly partition?: string;
  readonly spilledUntil?: number;
  readonly expiresAt?: Date;
}

function storedOf<State>(document: Document<State>): StoredDocument<State> {
  const { key, version, state, handled, stash, unsent, journal } = document;
  const { traceparent, dueAt, partition, spilledUntil, expiresAt } = document;
  return {
    _id: key,
    version,
    ...(state === undefined ? {} : { state }),
    ...(handled.length === 0 ? {} : { handled }),
    ...(stash.length === 0 ? {} : { stash }),
    ...(unsent.length === 0 ? {} : { unsent }),
    ...(journal.length === 0 ? {} : { journal }),
    ...(traceparent === undefined ? {} : { traceparent }),
    ...(dueAt === undefined ? {} : { dueAt }),
    ...(partition === undefined ? {} : { partition }),
    ...(spilledUntil === undefined ? {} : { spilledUntil }),
    ...(expiresAt === undefined ? {} : { expiresAt: new Date(expiresAt) }),
  };
}

export function documentOf<State>(stored: StoredDocument<State>): Document<State> {
  const { traceparent, dueAt, partition, spilledUntil, expiresAt } = stored;
  return {
    key: stored._id,
    version: stored.version,
    state: stored.state,
    handled: stored.handled ?? [],
    stash: stored.stash ?? [],
    unsent: stored.unsent ?? [],
    journal: stored.journal ?? [],
    ...(traceparent === undefined ? {} : { traceparent }),
    ...(dueAt === undefined ? {} : { dueAt }),
    ...(partition === undefined ? {} : { partition }),
    ...(spilledUntil === undefined ? {} : { spilledUntil }),
    ...(expiresAt === undefined ? {} : { expiresAt: expiresAt.getTime() }),
  };
}

/** What MongoDB says of a document that it will never take: names from its `error_codes.yml`. */
const NEVER = new Set([
  2, // BadValue: also "object to insert too large"
  10334, // BSONObjectTooLarge
  17419, // the document after an update is too large
  17420,
  17280, // KeyTooLong
  22, // InvalidBSON
  15, // Overflow: nested too deeply
  16, // InvalidLength
  52, // DollarPrefixedFieldName
  55, // InvalidDBRef
  56, // EmptyFieldName
  57, // DottedFieldName
  121, // DocumentValidationFailure
]);

/** What the driver throws before it sends anything, of a document that cannot be BSON or is too large. */
const UNSENT = new Set(['MongoInvalidArgumentError', 'BSONError', 'RangeError', 'TypeError', 'MongoAPIError']);

interface WriteError {
  readonly code: number;
  readonly index: number;
  readonly errmsg?: string;
}

/** One unordered bulk write; a batch that as a whole cannot be sent is halved until the document is found that is to blame. */
export async function commitTo<State>(
  documents: mongo.Collection<StoredDocument<State>>,
  writes: readonly Write<State>[],
): Promise<CommitOutcome> {
  if (writes.length === 0) return { lost: new Set(), refused: new Map() };
  try {
    await documents.bulkWrite(writes.map(operationOf<State>) as never, { ordered: false, ignoreUndefined: true });
    return { lost: new Set(), refused: new Map() };
  } catch (thrown) {
    const errors = writeErrorsIn(thrown);
    if (errors.length > 0) return outcomeOf(writes, errors, thrown);
    if (!isOfTheDocuments(thrown)) throw thrown;
    const [first] = writes;
    if (first !== undefined && writes.length === 1)
      return { lost: new Set(), refused: new Map([[first.document.key, reasonOf(thrown)]]) };
    const half = Math.ceil(writes.length / 2);
    // Nothing of the batch was sent; if something was, the half that comes again has lost and is loaded.
    const one = await commitTo(documents, writes.slice(0, half));
    const other = await commitTo(documents, writes.slice(half));
    return {
      lost: new Set([...one.lost, ...other.lost]),
      refused: new Map([...one.refused, ...other.refused]),
    };
  }
}

/** An insert where there was nothing; else a replacement whose upsert collides with `_id` when the version moved on. */
function operationOf<State>({ over, document }: Write<State>): object {
  const stored = storedOf(document);
  return over === 0
    ? { insertOne: { document: stored } }
    : { replaceOne: { filter: { _id: document.key, version: over }, replacement: stored, upsert: true } };
}

/** Rethrows what leaves open whether something was written, and what may be otherwise at the next try. */
function outcomeOf<State>(
  writes: readonly Write<State>[],
  errors: readonly WriteError[],
  thrown: unknown,
): CommitOutcome {
  const lost = new Set<string>();
  const refused = new Map<string, string>();
  for (const error of errors) {
    const { key } = writes[error.index]!.document;
    if (isDuplicateKey(error)) lost.add(key);
    else if (NEVER.has(error.code)) refused.set(key, error.errmsg ?? `MongoDB refuses it with ${error.code}`);
    else throw thrown;
  }
  return { lost, refused };
}

/** The errors of single operations; none when the write concern was not met, because then nothing is certain. */
export function writeErrorsIn(thrown: unknown): readonly WriteError[] {
  const { writeErrors = [], result } = thrown as {
    readonly writeErrors?: WriteError | readonly WriteError[];
    readonly result?: { getWriteConcernError?(): unknown };
  };
  if (result?.getWriteConcernError?.()) return [];
  return [writeErrors].flat() as readonly WriteError[];
}

/** The error is about what was to be written, and will be the same at the next try. */
export function isOfTheDocuments(thrown: unknown): boolean {
  const { name, code } = thrown as { readonly name?: string; readonly code?: unknown };
  return name === 'MongoServerError' ? NEVER.has(code as number) : UNSENT.has(name ?? '');
}
