import type { Connection } from 'mongoose';
import { majorityCollection } from './majority.ts';

/**
 * One change of what is stored, a file `services/<name>/migrations/NNNN-name.ts`. Both directions run while services of the version before
 * and after serve, and again after a run that was killed: each does only what is still to be done.
 */
export interface Migration {
  /** The file's name without its ending. Numbers are unique over all services and say the order; a migration that ran somewhere is never changed. */
  readonly name: string;
  readonly up: (run: MigrationRun) => Promise<void>;
  /** What the version before needs, and no more. */
  readonly down: (run: MigrationRun) => Promise<void>;
}

/** What a migration works with. */
export interface MigrationRun {
  readonly db: Connection;
  /** How far a run before this one came; `undefined`: there was none. */
  readonly reached: Progress | undefined;
  /** Stores how far it came. Throws `LockLost` when another runner may be at work by now. */
  reach(progress: Progress): Promise<void>;
}

export interface Progress {
  /** The last key that is done, in the order of keys. */
  readonly key: string;
  /** How many documents were changed so far. */
  readonly changed: number;
}

/** Another runner may have taken the lock over: nothing more is to be written. */
export class LockLost extends Error {
  override readonly name = 'LockLost';
}

export interface DocumentChange {
  readonly collection: string;
  /** Which documents still need it. */
  readonly needing: object;
  /** Update operators on what is stored; the version is counted up with it, so that a service that has the document in memory loads it again. */
  readonly change: Readonly<Record<'$set', object>> | Readonly<Record<'$unset', Readonly<Record<string, 1>>>>;
  /** How many documents one command may touch. */
  readonly batch?: number;
}

const BATCH = 200;

/**
 * Changes documents of entities in the order of their keys, a bounded batch at a time, and stores after each how far it came. What is
 * written meanwhile wins or loses as a whole document: a writer that was first is changed after it, one that comes later finds another version.
 * @returns how many documents were changed, by this run and those before it
 */
export async function changeDocuments(
  { db, reached, reach }: MigrationRun,
  { collection, needing, change, batch = BATCH }: DocumentChange,
): Promise<number> {
  const documents = majorityCollection<{ readonly _id: string; readonly version: number }>(db, collection);
  let { key, changed } = reached ?? { key: '', changed: 0 };
  for (;;) {
    const page = await documents
      .find({ _id: { $gt: key } }, { projection: { _id: 1 } })
      .sort({ _id: 1 })
      .limit(batch)
      .toArray();
    if (page.length === 0) return changed;
    const { modifiedCount } = await documents.updateMany(
      { $and: [{ _id: { $in: page.map(({ _id }) => _id) } }, needing] },
      { ...change, $inc: { version: 1 } },
    );
    key = page.at(-1)!._id;
    changed += modifiedCount;
    await reach({ key, changed });
  }
}
