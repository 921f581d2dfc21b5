import { type Index, type IndexTable, duplicateKey, openIndexTable, pagesOf } from './index-table.ts';
import type { Storage } from './storage.ts';

/** One document as the server knows it. `raw` undefined: deleted, or never there. */
export interface Entry {
  readonly key: string;
  /** Its row; 0 until it has one. */
  rid: number;
  raw: Buffer | undefined;
  /** What the tables hold; differs from `raw` while dirty. */
  stored: Buffer | undefined;
  dirty: boolean;
}

/** A range of an index: `low <= key < high`. */
export interface Range {
  readonly low: Buffer;
  readonly high: Buffer | undefined;
}

/** The documents of a collection: read through a cache, changed in memory, written to the tables by `flush`. */
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
  /** Writes changed documents and their index entries to the tables, inside the open transaction. */
  flush(): void;
  /** Fills the table of a new index and uses it from now on. */
  addIndex(index: Index): void;
  removeIndex(index: Index): void;
  /** Begins a new generation of the cache and forgets what was not used since the last one. Only when flushed. */
  age(): void;
}

export interface CollectionOptions {
  readonly storage: Storage;
  readonly id: number;
  readonly db: string;
  readonly name: string;
  readonly indexes: readonly Index[];
  /** Called with every change of the number of cached bytes. */
  readonly cached: (bytes: number) => void;
}

const overheadBytes = 250;

export function openCollection({ storage, id, db, name, indexes: given, cached }: CollectionOptions): Collection {
  const { database } = storage;
  const docs = `docs_${id}`;
  let indexes: readonly IndexTable[] = given.map((index) => openIndexTable(database, index, docs));
  let young = new Map<string, Entry>();
  let old = new Map<string, Entry>();
  let changed: Entry[] = [];
  const select = database.prepare(`SELECT rid, doc FROM ${docs} WHERE k = ?`);
  const insert = database.prepare(`INSERT INTO ${docs} (rid, k, doc) VALUES (?, ?, ?)`);
  const update = database.prepare(`UPDATE ${docs} SET doc = ? WHERE rid = ?`);
  const erase = database.prepare(`DELETE FROM ${docs} WHERE rid = ?`);
  const ordered = database.prepare(`SELECT rid, doc FROM ${docs} WHERE rid > ? ORDER BY rid LIMIT ?`);
  const counted = database.prepare(`SELECT COUNT(*) AS total FROM ${docs}`);
  const multikey = database.prepare('UPDATE indexes SET multikey = 1 WHERE id = ?');
  const idPages = pagesOf(database, `${docs} d`, 'd');
  let nextRid = ((database.prepare(`SELECT MAX(rid) AS top FROM ${docs}`).get()!['top'] as number | null) ?? 0) + 1;

  function entry(key: string): Entry {
    let found = young.get(key);
    if (found !== undefined) return found;
    found = old.get(key);
    if (found === undefined) {
      const row = select.get(Buffer.from(key, 'latin1'));
      const raw = row === undefined ? undefined : bufferOf(row['doc'] as Uint8Array);
      found = { key, rid: row === undefined ? 0 : (row['rid'] as number), raw, stored: raw, dirty: false };
      cached((raw?.length ?? 0) + overheadBytes);
    } else old.delete(key);
    young.set(key, found);
    return found;
  }

  function touch(target: Entry): void {
    storage.begin();
    if (target.dirty) return;
    target.dirty = true;
    changed.push(target);
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
      for (const key of added) {
        if (index.taken(key, target.rid)) {
          throw duplicateKey(`${db}.${name}`, index.spec.name, Object.fromEntries(index.spec.key), raw);
        }
      }
      moves.push({ index, gone: before === undefined ? [] : index.keys(before).keys, added });
    }
    touch(target);
    if (target.rid === 0) {
      target.rid = nextRid;
      nextRid += 1;
    }
    for (const { index, gone, added } of moves) {
      for (const key of gone) index.erase(key, target.rid);
      for (const key of added) index.insert(key, target.rid);
    }
    cached(raw.length - (before?.length ?? 0));
    target.raw = raw;
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

  function flush(): void {
    if (changed.length === 0) return;
    storage.begin();
    for (const target of changed) {
      write(target);
      target.stored = target.raw;
      target.dirty = false;
      if (target.raw === undefined) target.rid = 0;
    }
    changed = [];
  }

  function write({ rid, key, raw, stored }: Entry): void {
    if (raw === undefined) {
      if (stored === undefined) return;
      erase.run(rid);
    } else if (stored === undefined) insert.run(rid, Buffer.from(key, 'latin1'), raw);
    else update.run(raw, rid);
    for (const index of indexes) {
      if (index.spec.unique) continue;
      if (raw !== undefined && stored !== undefined && index.same(stored, raw)) continue;
      if (stored !== undefined) for (const gone of index.keys(stored).keys) index.erase(gone, rid);
      if (raw !== undefined) for (const added of index.keys(raw).keys) index.insert(added, rid);
    }
  }

  function* scan(): Generator<Buffer> {
    let last = 0;
    for (let size = 64; !self.dropped; size = Math.min(1024, size * 2)) {
      flush();
      const rows = ordered.all(last, size);
      for (const row of rows) yield bufferOf(row['doc'] as Uint8Array);
      if (rows.length < size) return;
      last = rows.at(-1)!['rid'] as number;
    }
  }

  function* range(index: Index | undefined, { low, high }: Range, reverse: boolean, first = 64): Generator<Buffer> {
    const pages = index === undefined ? idPages : indexes.find(({ id: each }) => each === index.id)!.pages;
    let from = reverse ? high : low;
    let rid = -1;
    for (let size = first; !self.dropped; size = Math.min(1024, size * 2)) {
      flush();
      const rows = pages(from, rid, reverse ? low : high, reverse, size);
      for (const row of rows) yield bufferOf(row.doc);
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
    count() {
      flush();
      return counted.get()!['total'] as number;
    },
    addIndex(index) {
      flush();
      storage.begin();
      const added = openIndexTable(database, index, docs);
      let last = 0;
      for (let rows = ordered.all(last, 1024); rows.length > 0; rows = ordered.all(last, 1024)) {
        for (const row of rows) {
          last = row['rid'] as number;
          const raw = bufferOf(row['doc'] as Uint8Array);
          for (const key of keysOf(added, raw)) {
            if (index.spec.unique && added.taken(key, last)) {
              throw duplicateKey(`${db}.${name}`, index.spec.name, Object.fromEntries(index.spec.key), raw);
            }
            added.insert(key, last);
          }
        }
      }
      indexes = [...indexes, added];
    },
    removeIndex(index) {
      flush();
      indexes = indexes.filter(({ id: each }) => each !== index.id);
    },
    age() {
      for (const { raw } of old.values()) cached(-(raw?.length ?? 0) - overheadBytes);
      old = young;
      young = new Map();
    },
  };
  return self;
}

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
