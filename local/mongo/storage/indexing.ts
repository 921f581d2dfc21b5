import { type Index, type IndexTable, duplicateKey, openIndexTable } from './index-table.ts';
import type { Row } from './document-table.ts';
import type { Storage } from './storage.ts';

/** What a write changes in one unique index. */
export interface Move {
  readonly index: IndexTable;
  readonly gone: readonly Buffer[];
  readonly added: readonly Buffer[];
}

/**
 * The indexes of one collection. Unique ones are changed with each write, since the next write is judged by them; the
 * others follow when somebody asks them, so that a value that comes and goes in between costs nothing.
 */
export interface Indexing {
  readonly tables: readonly IndexTable[];
  /** What the new version of a document changes in the unique indexes. Throws E11000 before anything is changed. */
  moves(rid: number, before: Buffer | undefined, raw: Buffer): readonly Move[];
  apply(rid: number, moves: readonly Move[]): void;
  /** Takes a deleted document out of the unique indexes. */
  forget(rid: number, raw: Buffer): void;
  /** Brings the other indexes from one version of a document to another. */
  follow(rid: number, before: Buffer | undefined, raw: Buffer | undefined): void;
  /** After a crash: all indexes may know any of these versions; afterwards they know the last one. */
  recover(rid: number, versions: readonly (Buffer | undefined)[]): void;
  /** Fills the table of a new index from all documents. */
  add(index: Index, rows: Iterable<Row>): void;
  remove(index: Index): void;
}

export function openIndexing(storage: Storage, docs: string, namespace: string, given: readonly Index[]): Indexing {
  const { database } = storage;
  const multikey = database.prepare('UPDATE indexes SET multikey = 1 WHERE id = ?');
  let tables: readonly IndexTable[] = given.map((index) => openIndexTable(database, index, docs));

  function keysOf(index: IndexTable, raw: Buffer): readonly Buffer[] {
    const found = index.keys(raw);
    if (found.multikey && !index.multikey) {
      index.multikey = true;
      storage.begin();
      multikey.run(index.id);
    }
    return found.keys;
  }

  function refuseTaken(index: IndexTable, key: Buffer, rid: number, raw: Buffer): void {
    if (!index.taken(key, rid)) return;
    throw duplicateKey(namespace, index.spec.name, Object.fromEntries(index.spec.key), raw);
  }

  return {
    get tables() {
      return tables;
    },
    moves(rid, before, raw) {
      const moves: Move[] = [];
      for (const index of tables) {
        if (before !== undefined && index.same(before, raw)) continue;
        const added = keysOf(index, raw);
        if (!index.spec.unique) continue;
        for (const key of added) refuseTaken(index, key, rid, raw);
        moves.push({ index, gone: before === undefined ? [] : index.keys(before).keys, added });
      }
      return moves;
    },
    apply(rid, moves) {
      for (const { index, gone, added } of moves) {
        for (const key of gone) index.erase(key, rid);
        for (const key of added) index.insert(key, rid);
      }
    },
    forget(rid, raw) {
      for (const index of tables) {
        if (index.spec.unique) for (const key of index.keys(raw).keys) index.erase(key, rid);
      }
    },
    follow(rid, before, raw) {
      if (raw === before) return;
      for (const index of tables) {
        if (index.spec.unique || (raw !== undefined && before !== undefined && index.same(before, raw))) continue;
        if (before !== undefined) for (const key of index.keys(before).keys) index.erase(key, rid);
        if (raw !== undefined) for (const key of index.keys(raw).keys) index.insert(key, rid);
      }
    },
    recover(rid, versions) {
      const last = versions.at(-1);
      for (const index of tables) {
        for (const version of versions) {
          if (version !== undefined) for (const key of index.keys(version).keys) index.erase(key, rid);
        }
        if (last !== undefined) for (const key of keysOf(index, last)) index.insert(key, rid);
      }
    },
    add(index, rows) {
      const added = openIndexTable(database, index, docs);
      for (const { rid, raw } of rows) {
        for (const key of keysOf(added, raw)) {
          if (index.spec.unique) refuseTaken(added, key, rid, raw);
          added.insert(key, rid);
        }
      }
      tables = [...tables, added];
    },
    remove(index) {
      tables = tables.filter(({ id }) => id !== index.id);
    },
  };
}
