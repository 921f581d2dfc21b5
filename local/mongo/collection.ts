import { type DocumentTable, bufferOf, openDocumentTable } from './document-table.ts';
import { type Entry, createEntryCache } from './entries.ts';
import { type Index, type IndexTable, duplicateKey, openIndexTable } from './index-table.ts';
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
  /** From now on `drain` writes what has changed until now. */
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
  const { database } = storage;
  const table: DocumentTable = openDocumentTable(database, id);
  const cache = createEntryCache(cached);
  const multikey = database.prepare('UPDATE indexes SET multikey = 1 WHERE id = ?');
  let indexes: readonly IndexTable[] = options.indexes.map((index) => openIndexTable(database, index, `docs_${id}`));
  let dirty = new Map<number, Entry>();
  let draining = new Map<number, Entry>();
  let reindexed: Entry[] = [];
  let nextRid = 0;

  function entry(key: string): Entry {
    const known = cache.get(key);
    if (known !== undefined) return known;
    const row = table.find(key);
    const { rid = 0, raw } = row ?? {};
    const found = {
      key,
      rid,
      raw,
      stored: row !== undefined,
      dirty: false,
      indexed: undefined,
      reindex: false,
      turn: 0,
    };
    cache.add(found);
    return found;
  }

  /** Before the first change after a flush: remembers what the indexes know, and the entry itself. */
  function touch(target: Entry): void {
    storage.begin();
    if (target.rid === 0) {
      if (nextRid === 0) nextRid = table.top() + 1;
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

  function keysOf(index: IndexTable, raw: Buffer): readonly Buffer[] {
    const found = index.keys(raw);
    if (found.multikey && !index.multikey) {
      index.multikey = true;
      storage.begin();
      multikey.run(index.id);
    }
    return found.keys;
  }

  function put(target: Entry, raw: Buffer): void {
    const before = target.raw;
    const moves: { index: IndexTable; gone: readonly Buffer[]; added: readonly Buffer[] }[] = [];
    for (const index of indexes) {
      if (before !== undefined && index.same(before, raw)) continue;
      const added = keysOf(index, raw);
      if (!index.spec.unique) continue;
      for (const key of added) if (index.taken(key, target.rid)) throw duplicate(index, raw);
      moves.push({ index, gone: before === undefined ? [] : index.keys(before).keys, added });
    }
    touch(target);
    for (const { index, gone, added } of moves) {
      for (const key of gone) index.erase(key, target.rid);
      for (const key of added) index.insert(key, target.rid);
    }
    cached(raw.length - (before?.length ?? 0));
    target.raw = raw;
  }

  function duplicate({ spec }: IndexTable, raw: Buffer): Error {
    return duplicateKey(`${db}.${name}`, spec.name, Object.fromEntries(spec.key), raw);
  }

  function remove(target: Entry): void {
    touch(target);
    for (const index of indexes) {
      if (!index.spec.unique) continue;
      for (const key of index.keys(target.raw!).keys) index.erase(key, target.rid);
    }
    cached(-target.raw!.length);
    target.raw = undefined;
  }

  /** Brings the non-unique indexes up to date. */
  function reindex(): void {
    if (reindexed.length === 0) return;
    storage.begin();
    for (const target of reindexed) if (target.reindex) reindexOne(target);
    reindexed = [];
  }

  function reindexOne(target: Entry): void {
    const { rid, raw, indexed } = target;
    target.reindex = false;
    target.indexed = undefined;
    if (raw === indexed) return;
    for (const index of indexes) {
      if (index.spec.unique || (raw !== undefined && indexed !== undefined && index.same(indexed, raw))) continue;
      if (indexed !== undefined) for (const key of index.keys(indexed).keys) index.erase(key, rid);
      if (raw !== undefined) for (const key of index.keys(raw).keys) index.insert(key, rid);
    }
  }

  function write(target: Entry): void {
    if (target.reindex) reindexOne(target);
    if (target.raw !== undefined) table.write(target.rid, target.key, target.raw, target.stored);
    else if (target.stored) table.erase(target.rid);
    target.stored = target.raw !== undefined;
    target.dirty = false;
    if (target.raw === undefined) target.rid = 0;
  }

  function drain(limit: number): number {
    let written = 0;
    for (const [rid, target] of draining) {
      if (written === limit) break;
      draining.delete(rid);
      write(target);
      written += 1;
    }
    return written;
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

  function* scan(): Generator<Buffer> {
    let last = 0;
    for (let size = 64; !self.dropped; size = Math.min(1024, size * 2)) {
      flush();
      const rows = table.after(last, size);
      for (const { raw } of rows) yield raw;
      if (rows.length < size) return;
      last = rows.at(-1)!.rid;
    }
  }

  function* range(index: Index | undefined, { low, high }: Range, reverse: boolean, first = 64): Generator<Buffer> {
    let from = reverse ? high : low;
    let rid = -1;
    for (let size = first; !self.dropped; size = Math.min(1024, size * 2)) {
      if (index === undefined) flush();
      else reindex();
      const pages = index === undefined ? table.pages : indexes.find(({ id: each }) => each === index.id)?.pages;
      if (pages === undefined) return;
      const rows = pages(from, rid, reverse ? low : high, reverse, size);
      for (const row of rows) {
        const newer = dirty.get(row.rid) ?? draining.get(row.rid);
        const raw = newer === undefined ? row.doc && bufferOf(row.doc) : newer.raw;
        if (raw) yield raw;
      }
      if (rows.length < size) return;
      from = bufferOf(rows.at(-1)!.k);
      rid = rows.at(-1)!.rid;
    }
  }

  const self: Collection = {
    id,
    db,
    name,
    dropped: false,
    get indexes() {
      return indexes;
    },
    entry,
    put,
    remove,
    scan,
    range,
    flush,
    drain,
    beginDrain() {
      for (const [rid, target] of dirty) draining.set(rid, target);
      dirty = new Map();
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
      for (const index of indexes) {
        for (const version of [before, ...versions]) {
          if (version !== undefined) for (const key of index.keys(version).keys) index.erase(key, rid);
        }
        if (last !== undefined) for (const key of keysOf(index, last)) index.insert(key, rid);
      }
      if (last === undefined) table.erase(rid);
      else table.write(rid, idKeyIn(last), last, before !== undefined);
    },
    addIndex(index) {
      flush();
      storage.begin();
      const added = openIndexTable(database, index, `docs_${id}`);
      for (let rows = table.after(0, 1024); rows.length > 0; rows = table.after(rows.at(-1)!.rid, 1024)) {
        for (const { rid, raw } of rows) {
          for (const key of keysOf(added, raw)) {
            if (index.spec.unique && added.taken(key, rid)) throw duplicate(added, raw);
            added.insert(key, rid);
          }
        }
      }
      indexes = [...indexes, added];
    },
    removeIndex(index) {
      flush();
      indexes = indexes.filter(({ id: each }) => each !== index.id);
    },
    age: () => cache.age(),
  };
  return self;
}
