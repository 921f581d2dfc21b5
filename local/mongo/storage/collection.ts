import { type Row, bufferOf, openDocumentTable } from './document-table.ts';
import { type Entry, createEntryCache } from './entries.ts';
import type { Index } from './index-table.ts';
import { openIndexing } from './indexing.ts';
import type { Journal } from './journal.ts';
import { idKeyIn } from './key.ts';
import type { Storage } from './storage.ts';

/** A range of an index: `low <= key < high`. */
export interface Range {
  readonly low: Buffer;
  readonly high: Buffer | undefined;
}

/** The documents of a collection: read through a cache, changed in memory and in the journal, written to the tables later. */
export interface Collection {
  readonly id: number;
  readonly db: string;
  readonly name: string;
  readonly indexes: readonly Index[];
  dropped: boolean;
  /** The entry of an `_id` key, from the cache or the disk; its `raw` is undefined when there is no such document. */
  entry(key: string): Entry;
  /** Replaces or creates the document of `entry`. Throws E11000 before anything is changed. */
  put(entry: Entry, raw: Buffer): void;
  remove(entry: Entry): void;
  /** All documents in the order of their insertion. */
  scan(): Generator<Buffer>;
  /** The documents in a range of an index (undefined: of `_id`), in its order; `first` of them in the first read. */
  range(index: Index | undefined, range: Range, reverse: boolean, first?: number): Generator<Buffer>;
  count(): number;
  /** Writes every changed document to the tables, inside the open transaction. */
  flush(): void;
  /** From now on `drain` writes what has changed until now, in the order of the rows, since neighbours share pages. */
  beginDrain(): void;
  /** Writes up to `limit` documents to the tables; says how many it wrote. */
  drain(limit: number): number;
  /** Applies the changes of one document that the journal has, oldest first, to the tables. */
  recover(rid: number, versions: readonly (Buffer | undefined)[]): void;
  /** Fills the table of a new index and uses it from now on. */
  addIndex(index: Index): void;
  removeIndex(index: Index): void;
  /** Begins a new generation of the cache and forgets what was not used since the last one. */
  age(): void;
}

export interface CollectionOptions {
  readonly storage: Storage;
  readonly journal: Journal;
  readonly id: number;
  readonly db: string;
  readonly name: string;
  readonly indexes: readonly Index[];
  /** Called with every change of the number of cached bytes. */
  readonly cached: (bytes: number) => void;
}

export function openCollection(options: CollectionOptions): Collection {
  const { storage, journal, id, db, name, cached } = options;
  const table = openDocumentTable(storage.database, id);
  const indexing = openIndexing(storage, `docs_${id}`, `${db}.${name}`, options.indexes);
  const cache = createEntryCache(cached);
  let dirty = new Map<number, Entry>();
  const draining = new Map<number, Entry>();
  let reindexed: Entry[] = [];
  let nextRid = 0;

  function entry(key: string): Entry {
    const known = cache.get(key);
    if (known !== undefined) return known;
    const row = table.find(key);
    const { rid = 0, raw } = row ?? {};
    const stored = row !== undefined;
    const found = { key, rid, raw, stored, dirty: false, indexed: undefined, reindex: false, turn: 0 };
    cache.add(found);
    return found;
  }

  /** Before a change: what the indexes know is remembered, the entry is kept until it is written. */
  function touch(target: Entry): void {
    storage.begin();
    if (nextRid === 0) nextRid = table.top() + 1;
    if (target.rid === 0) {
      target.rid = nextRid;
      nextRid += 1;
    }
    journal.add(id, target);
    if (!target.reindex) {
      target.indexed = target.raw;
      target.reindex = true;
      reindexed.push(target);
    }
    if (target.dirty) return;
    target.dirty = true;
    dirty.set(target.rid, target);
  }

  function reindex(): void {
    if (reindexed.length === 0) return;
    storage.begin();
    for (const target of reindexed) if (target.reindex) reindexOne(target);
    reindexed = [];
  }

  function reindexOne(target: Entry): void {
    indexing.follow(target.rid, target.indexed, target.raw);
    target.reindex = false;
    target.indexed = undefined;
  }

  function write(target: Entry): void {
    if (target.reindex) reindexOne(target);
    if (target.raw !== undefined) table.write(target.rid, target.key, target.raw, target.stored);
    else if (target.stored) table.erase(target.rid);
    target.stored = target.raw !== undefined;
    target.dirty = false;
  }

  function flush(): void {
    if (dirty.size === 0 && draining.size === 0) return;
    storage.begin();
    for (const target of draining.values()) write(target);
    for (const target of dirty.values()) write(target);
    draining.clear();
    dirty.clear();
    reindexed = [];
  }

  function* rows(): Generator<Row> {
    let last = 0;
    for (let size = 64; !self.dropped; size = Math.min(1024, size * 2)) {
      flush();
      const page = table.after(last, size);
      yield* page;
      if (page.length < size) return;
      last = page.at(-1)!.rid;
    }
  }

  function* range(index: Index | undefined, { low, high }: Range, reverse: boolean, first = 64): Generator<Buffer> {
    let from = reverse ? high : low;
    let rid = -1;
    for (let size = first; !self.dropped; size = Math.min(1024, size * 2)) {
      if (index === undefined) flush();
      else reindex();
      const { pages } = index === undefined ? table : (indexing.tables.find((each) => each.id === index.id) ?? {});
      const page = pages?.(from, rid, reverse ? low : high, reverse, size) ?? [];
      for (const row of page) {
        const newer = dirty.get(row.rid) ?? draining.get(row.rid);
        const raw = newer === undefined ? row.doc && bufferOf(row.doc) : newer.raw;
        if (raw) yield raw;
      }
      if (page.length < size) return;
      from = bufferOf(page.at(-1)!.k);
      rid = page.at(-1)!.rid;
    }
  }

  const self: Collection = {
    id,
    db,
    name,
    dropped: false,
    get indexes() {
      return indexing.tables;
    },
    entry,
    put(target, raw) {
      const before = target.raw;
      const moves = indexing.moves(target.rid, before, raw);
      touch(target);
      indexing.apply(target.rid, moves);
      cached(raw.length - (before?.length ?? 0));
      target.raw = raw;
    },
    remove(target) {
      touch(target);
      indexing.forget(target.rid, target.raw!);
      cached(-target.raw!.length);
      target.raw = undefined;
    },
    *scan() {
      for (const { raw } of rows()) yield raw;
    },
    range,
    flush,
    beginDrain() {
      for (const rid of [...dirty.keys()].sort((a, b) => a - b)) draining.set(rid, dirty.get(rid)!);
      dirty = new Map();
    },
    drain(limit) {
      let written = 0;
      for (const [rid, target] of draining) {
        if (written === limit) break;
        draining.delete(rid);
        write(target);
        written += 1;
      }
      return written;
    },
    count() {
      let total = table.count();
      for (const entries of [dirty, draining]) {
        for (const { raw, stored } of entries.values()) total += Number(raw !== undefined) - Number(stored);
      }
      return total;
    },
    recover(rid, versions) {
      const before = table.at(rid);
      const last = versions.at(-1);
      indexing.recover(rid, [before, ...versions]);
      if (last === undefined) table.erase(rid);
      else table.write(rid, idKeyIn(last), last, before !== undefined);
    },
    addIndex(index) {
      flush();
      storage.begin();
      indexing.add(index, rows());
    },
    removeIndex(index) {
      flush();
      indexing.remove(index);
    },
    age: () => cache.age(),
  };
  return self;
}
