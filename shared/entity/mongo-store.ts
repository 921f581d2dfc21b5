import type { Connection } from 'mongoose';
import { commitTo } from './mongo-commit.ts';
import { documentOf, type StoredDocument } from './mongo-document.ts';
import { dueIn, dueIndexes } from './mongo-due.ts';
import { appendTo } from './mongo-journal.ts';
import { rememberedIds } from './mongo-remembered.ts';
import type { EntityStore } from './store.ts';
import { majorityCollection } from '#shared/majority.ts';

export interface MongoStoreOptions {
  readonly collection: string;
  /** The collection of the journal records, if the entity writes any. */
  readonly journal?: string;
  /** Indexes of the collection besides `_id` and those of what is due, e.g. `{ 'state.customerId': 1 }`. */
  readonly indexes?: readonly Readonly<Record<string, 1 | -1>>[];
  readonly journalIndexes?: readonly Readonly<Record<string, 1 | -1>>[];
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

  return {
    /** Makes the indexes; idempotent. */
    async prepare() {
      for (const [key, how] of dueIndexes) await documents().createIndex(key, how);
      for (const index of options.indexes ?? []) await documents().createIndex(index);
      for (const index of options.journalIndexes ?? []) await records().createIndex(index);
      await remembered.prepare();
    },
    async load(keys) {
      const found = await documents()
        .find({ _id: { $in: [...keys] } } as object)
        .toArray();
      return new Map(found.map((stored) => [stored._id, documentOf(stored as StoredDocument<State>)]));
    },
    commit: (writes) => commitTo(documents(), writes),
    remember: remembered.remember,
    recall: remembered.recall,
    append: (journal) => appendTo(records(), journal),
    due: (now, limit) => dueIn(documents() as never, now, limit),
  };
}

/**
 * The answer that was given to a message, whoever asked; `undefined`: not handled yet, or no longer remembered. Of the document only
 * that one is read. An id is remembered outside before it leaves the document, so that it is seen in one of them.
 */
export async function answerTo(
  db: Connection,
  collection: string,
  key: string,
  messageId: string,
): Promise<{ type: string; body: unknown } | undefined> {
  const stored = await majorityCollection<StoredDocument<unknown>>(db, collection).findOne(
    { _id: key },
    { projection: { handled: { $elemMatch: { id: messageId } }, spilledUntil: 1 } },
  );
  const handled = stored?.handled?.[0];
  if (handled !== undefined || stored?.spilledUntil === undefined) return handled?.answer;
  return (await rememberedIds(db, collection).recall(key, [messageId])).get(messageId)?.answer;
}
