import type { Connection } from 'mongoose';
import type { JournalRecord } from './entity.ts';
import type { Document, EntityStore, Handled, Stashed, Unsent, Write } from './store.ts';
import { isDuplicateKey } from '#shared/duplicate-key.ts';

export interface MongoStoreOptions {
  readonly collection: string;
  /** The collection of the journal records, if the entity writes any. */
  readonly journal?: string;
  /** Indexes of the collection besides `_id` and `dueAt`, e.g. `{ 'state.customerId': 1 }`. */
  readonly indexes?: readonly Readonly<Record<string, 1 | -1>>[];
  readonly journalIndexes?: readonly Readonly<Record<string, 1 | -1>>[];
}

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
}

const DURABLE = { writeConcern: { w: 'majority', j: true } } as const;

/**
 * A store on one MongoDB collection. The hot path uses the driver's collection under mongoose, because casting a
 * document that the engine built itself costs more than writing it.
 */
export function createMongoStore<State>(
  db: Connection,
  options: MongoStoreOptions,
): EntityStore<State> & { prepare(): Promise<void> } {
  const documents = () => db.getClient().db(db.name).collection<StoredDocument<State>>(options.collection);
  const records = () => {
    if (options.journal === undefined) throw new Error(`${options.collection} has no journal collection`);
    return db.getClient().db(db.name).collection<{ _id: string }>(options.journal);
  };

  return {
    /** Makes the indexes; idempotent. */
    async prepare() {
      await documents().createIndex({ dueAt: 1 }, { sparse: true });
      for (const index of options.indexes ?? []) await documents().createIndex(index);
      for (const index of options.journalIndexes ?? []) await records().createIndex(index);
    },
    async load(keys) {
      const found = await documents()
        .find({ _id: { $in: [...keys] } } as object)
        .toArray();
      return new Map(found.map((stored) => [stored._id, documentOf(stored as StoredDocument<State>)]));
    },
    async commit(writes) {
      try {
        await documents().bulkWrite(writes.map(operationOf<State>) as never, {
          ordered: false,
          ignoreUndefined: true,
          ...DURABLE,
        });
        return new Set();
      } catch (thrown) {
        return new Set(lostIn(thrown).map((index) => writes[index]!.document.key));
      }
    },
    async append(journal) {
      const inserts = journal.map((record) => ({ insertOne: { document: { _id: record.id, ...record } } }));
      try {
        await records().bulkWrite(inserts, { ordered: false, ignoreUndefined: true, ...DURABLE });
      } catch (thrown) {
        lostIn(thrown);
      }
    },
    async due(now, limit) {
      const found = await documents()
        .find({ dueAt: { $lte: now } } as object, { projection: { dueAt: 1 } })
        .sort({ dueAt: 1 })
        .limit(limit)
        .toArray();
      return found.map((stored) => ({ key: stored._id, dueAt: stored.dueAt as number }));
    },
  };
}

/** The answer that was given to a message, whoever asked; `undefined`: not handled yet, or no longer remembered. */
export async function answerTo(
  db: Connection,
  collection: string,
  key: string,
  messageId: string,
): Promise<{ type: string; body: unknown } | undefined> {
  const stored = await db
    .getClient()
    .db(db.name)
    .collection<StoredDocument<unknown>>(collection)
    .findOne({ _id: key }, { projection: { handled: 1 } });
  return stored?.handled?.find((handled) => handled.id === messageId)?.answer;
}

/** An insert where there was nothing; else a replacement whose upsert collides with `_id` when the version moved on. */
function operationOf<State>({ over, document }: Write<State>): object {
  const stored = storedOf(document);
  return over === 0
    ? { insertOne: { document: stored } }
    : { replaceOne: { filter: { _id: document.key, version: over }, replacement: stored, upsert: true } };
}

function storedOf<State>(document: Document<State>): StoredDocument<State> {
  const { key, version, state, handled, stash, unsent, journal, traceparent, dueAt } = document;
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
  };
}

function documentOf<State>(stored: StoredDocument<State>): Document<State> {
  return {
    key: stored._id,
    version: stored.version,
    state: stored.state,
    handled: stored.handled ?? [],
    stash: stored.stash ?? [],
    unsent: stored.unsent ?? [],
    journal: stored.journal ?? [],
    ...(stored.traceparent === undefined ? {} : { traceparent: stored.traceparent }),
    ...(stored.dueAt === undefined ? {} : { dueAt: stored.dueAt }),
  };
}

/** The indexes of the operations that hit an existing key; rethrows what is anything else. */
function lostIn(thrown: unknown): number[] {
  const errors = (thrown as { writeErrors?: { code: number; index: number }[] | { code: number; index: number } })
    .writeErrors;
  const list = errors === undefined ? [] : Array.isArray(errors) ? errors : [errors];
  const concern = (thrown as { result?: { getWriteConcernError?(): unknown } }).result?.getWriteConcernError?.();
  if (list.length === 0 || concern || !list.every(isDuplicateKey)) throw thrown;
  return list.map((error) => error.index);
}
