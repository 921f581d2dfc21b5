import type { Connection, mongo } from 'mongoose';
import type { Handled, RememberedId } from '#shared/entity/store.ts';
import { isDuplicateKey } from '#shared/database/duplicate-key.ts';
import { writeErrorsIn } from './mongo-commit.ts';
import { majorityCollection } from '#shared/database/majority.ts';
import { together } from '#shared/database/together.ts';

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
  const find = together(async (wanted: readonly string[]) => {
    const found = await ids()
      .find({ _id: { $in: [...wanted] } })
      .toArray();
    return new Map(found.map((stored) => [stored._id, stored]));
  });
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
