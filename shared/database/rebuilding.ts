import type { Connection } from 'mongoose';
import { majorityCollection } from './majority.ts';
import type { Source } from './pages.ts';

/** A row of a projection: which thing it is about is in a field of it, and it never changes. */
export interface ProjectedRow {
  readonly id: string;
  readonly [field: string]: unknown;
}

/** A collection that follows from other documents, row by row. */
export interface Projection {
  readonly collection: string;
  /** The field of a row that names the thing that it is about. */
  readonly about: string;
  /** All rows that there must be, by the thing that they are about. */
  readonly things: (db: Connection) => Source<{ readonly about: string; readonly rows: readonly ProjectedRow[] }>;
}

export interface RebuildOptions {
  readonly size?: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (sofar: Rebuilt) => void;
}

export interface Rebuilt {
  readonly things: number;
  /** Rows that were missing or not as they must be. */
  readonly written: number;
  /** Rows that follow from nothing. */
  readonly removed: number;
}

const SIZE = 500;

/**
 * Computes a projection anew, a page at a time, while everything runs; again, it changes nothing. Rows that are written meanwhile by
 * those who own them are the same rows. A row is removed only when the documents, read after it, do not lead to it.
 */
export async function rebuild(
  db: Connection,
  { collection, about, things }: Projection,
  { size = SIZE, signal, onProgress }: RebuildOptions = {},
): Promise<Rebuilt> {
  const rows = majorityCollection<{ readonly _id: string; readonly [field: string]: unknown }>(db, collection);
  const source = things(db);
  let done: Rebuilt = { things: 0, written: 0, removed: 0 };
  const progress = (more: Partial<Rebuilt>): void => {
    done = { ...done, ...more };
    onProgress?.(done);
    signal?.throwIfAborted();
  };

  for await (const page of source.pages(size)) {
    let written = done.written;
    for (const part of chunks(
      page.flatMap((thing) => thing.rows),
      size,
    )) {
      const replace = part.map((row) => ({
        replaceOne: { filter: { _id: row.id }, replacement: { ...row, _id: row.id }, upsert: true },
      }));
      const { modifiedCount, upsertedCount } = await rows.bulkWrite(replace, { ordered: false });
      written += modifiedCount + upsertedCount;
    }
    progress({ things: done.things + page.length, written });
  }

  for (let after = ''; ;) {
    const found = await rows
      .find({ _id: { $gt: after } })
      .sort({ _id: 1 })
      .limit(size)
      .toArray();
    const wanted = new Set<string>();
    for (const { rows: all } of await source.of([...new Set(found.map((row) => String(row[about])))]))
      for (const { id } of all) wanted.add(id);
    const strange = found.map(({ _id }) => _id).filter((id) => !wanted.has(id));
    if (strange.length > 0) {
      const { deletedCount } = await rows.deleteMany({ _id: { $in: strange } });
      progress({ removed: done.removed + deletedCount });
    }
    if (found.length < size) return done;
    after = found.at(-1)!._id;
    signal?.throwIfAborted();
  }
}

function chunks<Item>(all: readonly Item[], size: number): readonly (readonly Item[])[] {
  return Array.from({ length: Math.ceil(all.length / size) }, (_, index) =>
    all.slice(index * size, (index + 1) * size),
  );
}
