import type { mongo } from 'mongoose';
import type { JournalRecord } from '#shared/entity/entity.ts';
import { writeErrorsIn } from './mongo-commit.ts';
import { sameRecord } from './same-record.ts';
import { JournalConflict } from '#shared/entity/store.ts';
import { isDuplicateKey } from '#shared/database/duplicate-key.ts';

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
