import { compareKeys } from '#shared/database/pages.ts';

/** Pages of rows, taken row by row; one page is in memory. */
export interface Rows<Row> {
  /** The row that is next; `undefined` at the end. */
  readonly head: Row | undefined;
  next(): Promise<void>;
  close(): Promise<void>;
}

export async function openRows<Row>(pages: AsyncIterable<readonly Row[]>): Promise<Rows<Row>> {
  const iterator = pages[Symbol.asyncIterator]();
  let page: readonly Row[] = [];
  let at = -1;
  async function next(): Promise<void> {
    for (at += 1; at >= page.length; at = 0) {
      const step = await iterator.next();
      page = step.done === true ? [] : step.value;
      if (step.done === true) return;
    }
  }
  await next();
  return {
    get head() {
      return page[at];
    },
    next,
    async close() {
      await iterator.return?.();
    },
  };
}

export type Sources<Kinds> = { readonly [Kind in keyof Kinds]: Rows<Kinds[Kind]> };
export type Group<Kinds> = { readonly [Kind in keyof Kinds]: readonly Kinds[Kind][] };

/**
 * All rows of several sources by their order. Where a source is not quite in the order of the ids, an order comes in
 * parts, never not at all.
 */
export async function* sideBySide<Kinds extends Record<string, { readonly orderId: string }>>(
  sources: Sources<Kinds>,
): AsyncGenerator<{ readonly orderId: string; readonly rows: Group<Kinds> }> {
  const kinds = Object.keys(sources) as (keyof Kinds & string)[];
  for (;;) {
    let orderId: string | undefined;
    for (const kind of kinds) {
      const key = sources[kind].head?.orderId;
      if (key !== undefined && (orderId === undefined || compareKeys(key, orderId) < 0)) orderId = key;
    }
    if (orderId === undefined) return;
    const rows: { [Kind in keyof Kinds]?: Kinds[Kind][] } = {};
    for (const kind of kinds) {
      const source = sources[kind];
      const mine: Kinds[typeof kind][] = [];
      for (let { head } = source; head?.orderId === orderId; { head } = source) {
        mine.push(head);
        await source.next();
      }
      rows[kind] = mine;
    }
    yield { orderId, rows: rows as Group<Kinds> };
  }
}
