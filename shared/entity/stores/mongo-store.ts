import type { Connection, mongo } from 'mongoose';
import { commitTo, documentOf, isOfTheDocuments, writeErrorsIn, type StoredDocument } from './mongo-documents.ts';
import { dueIn, dueIndexes } from './mongo-due.ts';
import { appendTo, rememberedIds } from './mongo-records.ts';
import type { JournalRecord } from '#shared/entity/entity.ts';
import { JournalConflict, type Document, type EntityStore, type Write } from '#shared/entity/store.ts';
import { archiveOf, mayBeArchived, prepareArchive, type AnyArchiveRule } from '#shared/database/archive.ts';
import { majorityCollection } from '#shared/database/majority.ts';
import { foundTogether, together } from '#shared/database/together.ts';

export interface MongoStoreOptions {
  readonly collection: string;
  /** The collection of the journal records, if the entity writes any. */
  readonly journal?: string;
  /** Indexes of the collection besides `_id` and those of what is due, e.g. `{ 'state.customerId': 1 }`. */
  readonly indexes?: readonly Readonly<Record<string, 1 | -1>>[];
  readonly journalIndexes?: readonly Readonly<Record<string, 1 | -1>>[];
  /** What goes into the archive of the collection, if anything does. */
  readonly archive?: AnyArchiveRule;
}

/**
 * A store on one MongoDB collection, with one beside it for the ids that have left its documents. The hot path uses the driver's
 * collection under mongoose, because casting a document that the engine built itself costs more than writing it.
 */
export function createMongoStore<State>(
  db: Connection,
  options: MongoStoreOptions,
): EntityStore<State> & { prepare(): Promise<void> } {
  const documents = () => majorityCollection<StoredDocument<State>>(db, options.collection);
  const remembered = rememberedIds(db, options.collection);
  const records = () => {
    if (options.journal === undefined) throw new Error(`${options.collection} has no journal collection`);
    return majorityCollection<{ readonly _id: string }>(db, options.journal);
  };

  const recorded = foundTogether(
    () => records() as unknown as mongo.Collection<JournalRecord & { readonly _id: string }>,
  );
  const append = together(
    (journal: readonly JournalRecord[]) => appendTo(records(), journal),
    (error) => error instanceof JournalConflict || writeErrorsIn(error).length > 0 || isOfTheDocuments(error),
  );

  return {
    /** Makes the indexes; idempotent. */
    async prepare() {
      for (const [key, how] of dueIndexes) await documents().createIndex(key, how);
      await documents().createIndex({ expiresAt: 1 }, { expireAfterSeconds: 0, sparse: true });
      for (const index of options.indexes ?? []) await documents().createIndex(index);
      if (options.archive !== undefined) await prepareArchive(db, options.collection, options.archive);
      for (const index of options.journalIndexes ?? []) await records().createIndex(index);
      await remembered.prepare();
    },
    async load(keys) {
      const found = await loadFrom<State>(db, options.collection, keys);
      const absent = options.archive === undefined ? [] : keys.filter((key) => !found.has(key) && mayBeArchived(key));
      if (absent.length === 0) return found;
      // What is archived answers as before. A write over its version puts it back where it was.
      return new Map([...found, ...(await loadFrom<State>(db, archiveOf(options.collection), absent))]);
    },
    async commit(writes) {
      const stale = options.archive === undefined ? new Set<string>() : await staleIn(db, options.collection, writes);
      const outcome = await commitTo(
        documents(),
        stale.size === 0 ? writes : writes.filter(({ document }) => !stale.has(document.key)),
      );
      return stale.size === 0 ? outcome : { ...outcome, lost: new Set([...outcome.lost, ...stale]) };
    },
    remember: remembered.remember,
    recall: remembered.recall,
    async records(ids) {
      const found = options.journal === undefined ? new Map<string, never>() : await recorded(ids);
      return new Map(
        ids.flatMap((id) => {
          const stored = found.get(id);
          if (stored === undefined) return [];
          const { _id, ...record } = stored;
          return [[id, record] as const];
        }),
      );
    },
    append,
    due: (now, limit) => dueIn(documents() as never, now, limit),
  };
}

/** Keys of which the archive has a newer version than the one that is written over: it changed and was archived meanwhile. Asked only of old keys. */
async function staleIn(
  db: Connection,
  collection: string,
  writes: readonly Write<unknown>[],
): Promise<ReadonlySet<string>> {
  const old = new Map(
    writes.flatMap(({ over, document: { key } }) => (over > 0 && mayBeArchived(key) ? [[key, over]] : [])),
  );
  if (old.size === 0) return new Set();
  const archived = await majorityCollection<StoredDocument<unknown>>(db, archiveOf(collection))
    .find({ _id: { $in: [...old.keys()] } }, { projection: { version: 1 } })
    .toArray();
  return new Set(archived.filter(({ _id, version }) => version > old.get(_id)!).map(({ _id }) => _id));
}

async function loadFrom<State>(
  db: Connection,
  collection: string,
  keys: readonly string[],
): Promise<Map<string, Document<State>>> {
  const found = await majorityCollection<StoredDocument<State>>(db, collection)
    .find({ _id: { $in: [...keys] } } as object)
    .toArray();
  return new Map(found.map((stored) => [stored._id, documentOf(stored as StoredDocument<State>)]));
}

/**
 * The answer that was given to a message, of any sender; `undefined`: not handled yet, or no longer remembered. Of the document only
 * that one is read. An id is remembered outside before it leaves the document, so that it is seen in one of them.
 */
export async function storedAnswerTo(
  db: Connection,
  collection: string,
  key: string,
  messageId: string,
): Promise<{ type: string; body: unknown } | undefined> {
  const find = (name: string) =>
    majorityCollection<StoredDocument<unknown>>(db, name).findOne(
      { _id: key },
      { projection: { handled: { $elemMatch: { id: messageId } }, spilledUntil: 1 } },
    );
  const stored = (await find(collection)) ?? (mayBeArchived(key) ? await find(archiveOf(collection)) : null);
  const handled = stored?.handled?.[0];
  if (handled !== undefined || stored?.spilledUntil === undefined) return handled?.answer;
  return (await rememberedIds(db, collection).recall(key, [messageId])).get(messageId)?.answer;
}
