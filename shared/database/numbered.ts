import type { Connection } from 'mongoose';

interface Numbered {
  readonly _id: string;
  /** Numbers the records of one owner from 1. */
  readonly seq: number;
}

/**
 * Records that are numbered within their owner, by owner, each one's newest first; `only`: those of one owner. `owner` is the field
 * that names it: an index on it and on `seq`, newest first, is needed. What has no number is left out.
 */
export async function* numberedBy<Stored extends Numbered & Readonly<Record<Owner, string>>, Owner extends string>(
  db: Connection,
  { collection, owner }: { readonly collection: string; readonly owner: Owner },
  size: number,
  only?: string,
): AsyncGenerator<readonly Stored[]> {
  const find = async (filter: object) =>
    (await db
      .collection(collection)
      .find(filter)
      .sort({ [owner]: 1, seq: -1 })
      .limit(size)
      .toArray()) as unknown as readonly Stored[];
  const of = (whose: unknown, seq: object) => ({ [owner]: whose, seq });
  for (let found = await find(of(only ?? { $gt: '' }, { $gt: 0 })); found.length > 0;) {
    yield found;
    const { [owner]: last, seq } = found.at(-1)!;
    const told = found.filter((one) => one[owner] === last && one.seq === seq).map(({ _id }) => _id);
    const rest = await find({ ...of(last, { $lte: seq, $gt: 0 }), _id: { $nin: told } });
    found = rest.length > 0 || only !== undefined ? rest : await find(of({ $gt: last }, { $gt: 0 }));
  }
}

/** The rows of these pages, each made into another. */
export async function* mapped<From, To>(
  pages: AsyncIterable<readonly From[]>,
  to: (from: From) => To,
): AsyncGenerator<readonly To[]> {
  for await (const page of pages) yield page.map(to);
}
