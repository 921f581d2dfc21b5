import type { Connection } from 'mongoose';
import { isDuplicateKey } from './duplicate-key.ts';
import { majorityCollection } from './majority.ts';
import { LockLost, type Progress } from './migration.ts';

export const SCHEMA_COLLECTION = 'schema';
const ID = 'schema';

export interface AppliedMigration {
  readonly name: string;
  /** Epoch ms. */
  readonly at: number;
}

/** A migration that was begun and has not ended: somebody is at it, or was killed. */
export interface BegunMigration {
  readonly name: string;
  readonly direction: 'up' | 'down';
  readonly progress?: Progress;
}

export interface SchemaLock {
  /** Who works, as a person reads it. */
  readonly owner: string;
  /** Epoch ms; put off while the owner works. */
  readonly expiresAt: number;
}

/**
 * The version of all that the database holds, and the lock of the runner that changes it. One document, so that a runner that has lost the lock can
 * record nothing: each of its writes names the owner that must still have it.
 */
export interface StoredSchema {
  /** Name of the newest migration that was applied; absent: none was. */
  readonly version?: string;
  readonly applied: readonly AppliedMigration[];
  readonly begun?: BegunMigration;
  readonly lock?: SchemaLock;
}

export interface SchemaStore {
  read(): Promise<StoredSchema>;
  /** Takes the lock if it is free, expired at `now`, or the owner's; tells whether. */
  lock(lock: SchemaLock, now: number): Promise<boolean>;
  /** Puts its end off; false: another one has or had it meanwhile. */
  keep(lock: SchemaLock): Promise<boolean>;
  unlock(owner: string): Promise<void>;
  /** From here on it counts as neither applied nor untouched. Its progress is kept if it was begun in this direction before. */
  begin(owner: string, begun: BegunMigration): Promise<BegunMigration>;
  progress(owner: string, begun: BegunMigration): Promise<void>;
  /** It is done: applied at `at`, or not applied any more. */
  end(owner: string, name: string, at: number | undefined): Promise<void>;
}

type Stored = StoredSchema & { readonly _id: string };

export function schemaStore(db: Connection): SchemaStore {
  const documents = () => majorityCollection<Stored>(db, SCHEMA_COLLECTION);

  async function read(): Promise<StoredSchema> {
    const found = await documents().findOne({ _id: ID });
    if (found === null) return { applied: [] };
    const { _id, ...stored } = found;
    return stored;
  }

  /** Throws when the owner has not the lock any more. */
  async function change(owner: string, operators: { readonly $set: object; readonly $unset?: object }): Promise<void> {
    const { matchedCount } = await documents().updateOne({ _id: ID, 'lock.owner': owner }, operators as object);
    if (matchedCount === 0) throw new LockLost(`${owner} has not the lock of the schema any more`);
  }

  async function record(owner: string, applied: readonly AppliedMigration[], begun?: BegunMigration): Promise<void> {
    const version = applied
      .map(({ name }) => name)
      .toSorted()
      .at(-1);
    const absent = { ...(version === undefined && { version: 1 }), ...(begun === undefined && { begun: 1 }) };
    await change(owner, {
      $set: { applied, ...(version !== undefined && { version }), ...(begun && { begun }) },
      ...(Object.keys(absent).length > 0 && { $unset: absent }),
    });
  }

  return {
    read,

    async lock(lock, now) {
      try {
        await documents().insertOne({ _id: ID, applied: [], lock });
        return true;
      } catch (error) {
        if (!isDuplicateKey(error)) throw error;
      }
      const free = [{ lock: { $exists: false } }, { 'lock.expiresAt': { $lte: now } }, { 'lock.owner': lock.owner }];
      const { matchedCount } = await documents().updateOne({ _id: ID, $or: free }, { $set: { lock } });
      return matchedCount === 1;
    },

    async keep(lock) {
      const { matchedCount } = await documents().updateOne({ _id: ID, 'lock.owner': lock.owner }, { $set: { lock } });
      return matchedCount === 1;
    },

    async unlock(owner) {
      await documents().updateOne({ _id: ID, 'lock.owner': owner }, { $unset: { lock: 1 } });
    },

    async begin(owner, begun) {
      const { applied, begun: before } = await read();
      const same = before?.name === begun.name && before.direction === begun.direction;
      const now = same ? before : begun;
      const rest = applied.filter(({ name }) => name !== begun.name);
      await record(owner, rest, now);
      return now;
    },

    progress: (owner, begun) => change(owner, { $set: { begun } }),

    async end(owner, name, at) {
      const { applied } = await read();
      const rest = applied.filter((one) => one.name !== name);
      await record(owner, at === undefined ? rest : [...rest, { name, at }]);
    },
  };
}
