import type { Connection } from 'mongoose';

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
}

/** The documents of a collection in the order of `_id`. Every page is a query of its own on that index. */
export function documentsById<Stored extends { readonly _id: string }, Row>(
  db: Connection,
  { collection, fields, row }: DocumentsOptions<Stored, Row>,
): Source<Row> {
  const documents = () => db.getClient().db(db.name).collection(collection);
  const rowsOf = (found: readonly object[]): readonly Row[] => found.flatMap((one) => row(one as Stored) ?? []);
  const find = (filter: object, size: number) =>
    documents()
      .find(filter, { projection: fields, batchSize: size + 1 })
      .sort({ _id: 1 })
      .limit(size)
      .toArray();
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
