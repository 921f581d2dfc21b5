import type { Connection } from 'mongoose';
import { archiveOf } from './archive.ts';

/** Everything of a kind, a page at a time, for reading through more than fits into memory. */
export interface Source<Row> {
  /** Every row in the order of its key, up to `size` at a time. What is written meanwhile may be seen or not. */
  pages(size: number): AsyncIterable<readonly Row[]>;
  /** The rows of these keys, as they are now. */
  of(keys: readonly string[]): Promise<readonly Row[]>;
}

export interface DocumentsOptions<Stored, Row> {
  readonly collection: string;
  readonly fields: Readonly<Record<string, 1>>;
  /** `undefined`: the document says nothing. */
  readonly row: (stored: Stored) => Row | undefined;
  /** Its archive is read along. */
  readonly archived?: boolean;
}

/** The documents of a collection in the order of `_id`. Every page is a query of its own on that index. */
export function documentsById<Stored extends { readonly _id: string }, Row>(
  db: Connection,
  { collection, fields, row, archived = false }: DocumentsOptions<Stored, Row>,
): Source<Row> {
  const rowsOf = (found: readonly Stored[]): readonly Row[] => found.flatMap((one) => row(one) ?? []);
  const findIn = async (name: string, filter: object, size: number) =>
    (await db
      .getClient()
      .db(db.name)
      .collection(name)
      .find(filter, { projection: fields, batchSize: size + 1 })
      .sort({ _id: 1 })
      .limit(size)
      .toArray()) as unknown as readonly Stored[];
  const find = (filter: object, size: number): Promise<readonly Stored[]> =>
    archived
      ? withArchive(collection, (name) => findIn(name, filter, size), { by: ({ _id }) => _id, size })
      : findIn(collection, filter, size);
  return {
    async *pages(size) {
      for (let filter = {}; ;) {
        const found = await find(filter, size);
        yield rowsOf(found);
        if (found.length < size) return;
        filter = { _id: { $gt: found.at(-1)!._id } };
      }
    },
    async of(keys) {
      return rowsOf(await find({ _id: { $in: [...keys] } }, keys.length + 1));
    },
  };
}

/**
 * The first `size` of a collection and its archive in the order of a field. The collection is read first and counts: what moves
 * meanwhile is seen in one of them, and what came back is seen as it is now.
 */
export async function withArchive<Stored extends { readonly _id: string }>(
  collection: string,
  find: (name: string) => Promise<readonly Stored[]>,
  { by, size }: { readonly by: (stored: Stored) => string; /** Absent: all. */ readonly size?: number },
): Promise<readonly Stored[]> {
  const live = await find(collection);
  const archived = await find(archiveOf(collection));
  if (archived.length === 0) return live;
  const known = new Set(live.map(({ _id }) => _id));
  return [...live, ...archived.filter(({ _id }) => !known.has(_id))]
    .toSorted((a, b) => compareKeys(by(a), by(b)))
    .slice(0, size);
}

/** The order in which MongoDB gives strings: by their UTF-8 bytes, which is by code points. */
export function compareKeys(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let index = 0; index < length; index += 1) {
    const [left, right] = [a.charCodeAt(index), b.charCodeAt(index)];
    if (left !== right) return rank(left) - rank(right);
  }
  return a.length - b.length;
}

/** Surrogates stand for code points above all others. */
function rank(unit: number): number {
  return unit >= 0xd800 && unit < 0xe000 ? unit + 0x2000 : unit;
}
