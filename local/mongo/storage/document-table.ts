import type { DatabaseSync } from 'node:sqlite';
import { type Pages, pagesOf } from './index-table.ts';

export interface Row {
  readonly rid: number;
  readonly raw: Buffer;
}

/** The table of a collection: one row per document, numbered in the order of insertion, found by the key of its `_id`. */
export interface DocumentTable {
  find(key: string): Row | undefined;
  at(rid: number): Buffer | undefined;
  /** `stored`: the row is there. */
  write(rid: number, key: string, raw: Buffer, stored: boolean): void;
  erase(rid: number): void;
  /** Rows after `rid`, in the order of their numbers. */
  after(rid: number, size: number): Row[];
  count(): number;
  /** The largest row number; 0 in an empty table. */
  top(): number;
  /** The documents in the order of their `_id`. */
  readonly pages: Pages;
}

export function createDocumentTable(database: DatabaseSync, id: number): void {
  database.exec(`CREATE TABLE docs_${id} (rid INTEGER PRIMARY KEY, k BLOB NOT NULL UNIQUE, doc BLOB NOT NULL)`);
}

export function openDocumentTable(database: DatabaseSync, id: number): DocumentTable {
  const table = `docs_${id}`;
  const byKey = database.prepare(`SELECT rid, doc FROM ${table} WHERE k = ?`);
  const byRid = database.prepare(`SELECT doc FROM ${table} WHERE rid = ?`);
  const update = database.prepare(`UPDATE ${table} SET doc = ? WHERE rid = ?`);
  const insert = database.prepare(`INSERT INTO ${table} (rid, k, doc) VALUES (?, ?, ?)`);
  const erase = database.prepare(`DELETE FROM ${table} WHERE rid = ?`);
  const ordered = database.prepare(`SELECT rid, doc FROM ${table} WHERE rid > ? ORDER BY rid LIMIT ?`);
  const counted = database.prepare(`SELECT COUNT(*) AS total FROM ${table}`);
  const largest = database.prepare(`SELECT MAX(rid) AS top FROM ${table}`);
  return {
    find(key) {
      const row = byKey.get(Buffer.from(key, 'latin1'));
      return row === undefined ? undefined : { rid: row['rid'] as number, raw: bufferOf(row['doc'] as Uint8Array) };
    },
    at(rid) {
      const row = byRid.get(rid);
      return row === undefined ? undefined : bufferOf(row['doc'] as Uint8Array);
    },
    write(rid, key, raw, stored) {
      if (stored) update.run(raw, rid);
      else insert.run(rid, Buffer.from(key, 'latin1'), raw);
    },
    erase(rid) {
      erase.run(rid);
    },
    after: (rid, size) =>
      ordered.all(rid, size).map((row) => ({ rid: row['rid'] as number, raw: bufferOf(row['doc'] as Uint8Array) })),
    count: () => counted.get()!['total'] as number,
    top: () => (largest.get()!['top'] as number | null) ?? 0,
    pages: pagesOf(database, `${table} d`, 'd'),
  };
}

export function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
