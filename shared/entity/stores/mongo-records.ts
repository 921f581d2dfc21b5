/** What is stored beside the documents: journal records, and the handled ids that have left their documents. */
import type { Connection, mongo } from 'mongoose';
import { writeErrorsIn } from './mongo-documents.ts';
import { isDuplicateKey } from '#shared/database/duplicate-key.ts';
import { majorityCollection } from '#shared/database/majority.ts';
import { foundTogether } from '#shared/database/together.ts';
import type { JournalRecord } from '#shared/entity/entity.ts';
import { JournalConflict, sameRecord, type Handled, type RememberedId } from '#shared/entity/store.ts';

/** Inserts the records; those whose ids exist are compared with what exists. */
export async function appendTo(
  journal: mongo.Collection<{ readonly _id: string }>,
  records: readonly JournalRecord[],
): Promise<void> {
  const inserts = records.map((record) => ({ insertOne: { document: { ...record, _id: record.id } } }));
  try {
    await journal.bulkWrite(inserts, { ordered: false, ignoreUndefined: true });
  } catch (thrown) {
    const errors = writeErrorsIn(thrown);
    if (errors.length === 0 || !errors.every(isDuplicateKey)) throw thrown;
    await compare(
      journal,
      errors.map(({ index }) => records[index]!),
    );
  }
}

async function compare(journal: mongo.Collection<{ readonly _id: string }>, records: readonly JournalRecord[]) {
  const found = await journal.find({ _id: { $in: records.map(({ id }) => id) } }).toArray();
  const existing = new Map(found.map((record) => [record._id, record]));
  const conflicts = records.filter((record) => {
    const stored = existing.get(record.id);
    if (stored === undefined) throw new Error(`the journal has ${record.id}, and a majority does not yet`);
    return !sameRecord(stored, record);
  });
  if (conflicts.length > 0) throw new JournalConflict(conflicts.map(({ id }) => id));
}

interface StoredId extends Handled {
  /** Of key and id. */
  readonly _id: string;
  readonly key: string;
  /** When it expires; absent: it does not. */
  readonly expiresAt?: Date;
}

/** The collection of the handled ids that have left the documents of `collection`. */
export function rememberedIds(db: Connection, collection: string) {
  const ids = () => majorityCollection<StoredId>(db, `${collection}_remembered`);
  const find = foundTogether(ids);
  return {
    async prepare(): Promise<void> {
      await ids().createIndex({ expiresAt: 1 }, { expireAfterSeconds: 0, sparse: true });
    },
    async remember(records: readonly RememberedId[]): Promise<void> {
      try {
        await ids().bulkWrite(records.map(upsertOf), { ordered: false, ignoreUndefined: true });
      } catch (thrown) {
        // Another worker remembered the same at the same time.
        const errors = writeErrorsIn(thrown);
        if (errors.length === 0 || !errors.every(isDuplicateKey)) throw thrown;
      }
    },
    async recall(key: string, wanted: readonly string[]): Promise<ReadonlyMap<string, Handled>> {
      const own = wanted.map((id) => idOf(key, id));
      const found = await find(own);
      return new Map(own.flatMap((id) => found.get(id) ?? []).map((stored) => [stored.id, handledOf(stored)]));
    },
  };
}

function handledOf({ _id, key: _key, expiresAt: _expiresAt, ...handled }: StoredId): Handled {
  return handled;
}

function upsertOf({ key, handled }: RememberedId): mongo.AnyBulkWriteOperation<StoredId> {
  const { until } = handled;
  const replacement = { ...handled, key, ...(until !== undefined && { expiresAt: new Date(until) }) };
  return { replaceOne: { filter: { _id: idOf(key, handled.id) }, replacement, upsert: true } };
}

/** Different for different pairs: the length says where the key ends. */
function idOf(key: string, id: string): string {
  return `${key.length}:${key}:${id}`;
}
