import { compareKeys } from './pages.ts';

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

/** The least of these keys; `undefined`: there is none. */
export function leastOf(keys: readonly (string | undefined)[]): string | undefined {
  let least: string | undefined;
  for (const key of keys) if (key !== undefined && (least === undefined || compareKeys(key, least) < 0)) least = key;
  return least;
}

/** The rows of several readings by their keys, pages of `size`; of one key those of the earlier reading come first. */
export async function* sideBySide<Row>(
  readings: readonly AsyncIterable<readonly Row[]>[],
  keyOf: (row: Row) => string,
  size: number,
): AsyncGenerator<readonly Row[]> {
  const opened: Rows<Row>[] = [];
  const keyAt = ({ head }: Rows<Row>): string | undefined => (head === undefined ? undefined : keyOf(head));
  let page: Row[] = [];
  try {
    for (const reading of readings) opened.push(await openRows(reading));
    for (let key = leastOf(opened.map(keyAt)); key !== undefined; key = leastOf(opened.map(keyAt))) {
      for (const rows of opened) {
        for (let { head } = rows; head !== undefined && keyOf(head) === key; { head } = rows) {
          page.push(head);
          await rows.next();
          if (page.length < size) continue;
          yield page;
          page = [];
        }
      }
    }
    if (page.length > 0) yield page;
  } finally {
    for (const rows of opened) await rows.close();
  }
}
