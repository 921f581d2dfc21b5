import type { DatabaseSync } from 'node:sqlite';
import { EJSON } from 'bson';
import { MongoFailure } from '#local/mongo/protocol/failure.ts';
import { type KeyReader, keyReader } from './index-keys.ts';
import type { IndexSpec } from './index-spec.ts';
import { type Doc, decode } from '#local/mongo/protocol/raw.ts';

/** One index of a collection and its table: a row per key and document, in the order of the keys. */
export interface Index {
  readonly id: number;
  readonly spec: IndexSpec;
  /** Some document left several keys; such an index serves only one bound of a range. */
  multikey: boolean;
}

export interface IndexTable extends Index, KeyReader {
  insert(key: Buffer, rid: number): void;
  erase(key: Buffer, rid: number): void;
  /** Whether another document than `rid` has this key. */
  taken(key: Buffer, rid: number): boolean;
  readonly pages: Pages;
}

export type PageRow = { readonly k: Uint8Array; readonly rid: number; readonly doc: Uint8Array | null };

/**
 * One page of a range, in key order. `from` is the bound to start at with `rid` -1, afterwards the last row seen;
 * `to` the other bound, undefined: no bound. Keys: low <= key < high.
 */
export type Pages = (
  from: Buffer | undefined,
  rid: number,
  to: Buffer | undefined,
  reverse: boolean,
  size: number,
) => PageRow[];

export function openIndexTable(database: DatabaseSync, index: Index, docs: string): IndexTable {
  const table = `ix_${index.id}`;
  const reader = keyReader(index.spec);
  const insert = database.prepare(`INSERT OR REPLACE INTO ${table} (k, rid) VALUES (?, ?)`);
  const erase = database.prepare(`DELETE FROM ${table} WHERE k = ? AND rid = ?`);
  const other = database.prepare(`SELECT 1 FROM ${table} WHERE k = ? AND rid <> ? LIMIT 1`);
  return Object.assign(index, {
    ...reader,
    insert(key: Buffer, rid: number) {
      insert.run(key, rid);
    },
    erase(key: Buffer, rid: number) {
      erase.run(key, rid);
    },
    taken: (key: Buffer, rid: number) => other.get(key, rid) !== undefined,
    pages: pagesOf(database, `${table} i LEFT JOIN ${docs} d ON d.rid = i.rid`, 'i'),
  });
}

export function createIndexTable(database: DatabaseSync, id: number): void {
  database.exec(`CREATE TABLE ix_${id} (k BLOB NOT NULL, rid INTEGER NOT NULL, PRIMARY KEY (k, rid)) WITHOUT ROWID`);
}

export function pagesOf(database: DatabaseSync, source: string, alias: string): Pages {
  const columns = `SELECT ${alias}.k AS k, ${alias}.rid AS rid, d.doc AS doc FROM ${source}`;
  const k = `${alias}.k`;
  const position = `(${k}, ${alias}.rid)`;
  const up = `ORDER BY ${k}, ${alias}.rid LIMIT ?`;
  const down = `ORDER BY ${k} DESC, ${alias}.rid DESC LIMIT ?`;
  const forward = database.prepare(`${columns} WHERE ${position} > (?, ?) AND ${k} < ? ${up}`);
  const forwardOpen = database.prepare(`${columns} WHERE ${position} > (?, ?) ${up}`);
  const backward = database.prepare(`${columns} WHERE ${position} < (?, ?) AND ${k} >= ? ${down}`);
  const backwardOpen = database.prepare(`${columns} WHERE ${k} >= ? ${down}`);
  return (from, rid, to, reverse, size) => {
    const low = (reverse ? to : from) ?? Buffer.alloc(0);
    const high = reverse ? from : to;
    if (!reverse)
      return (high === undefined ? forwardOpen.all(low, rid, size) : forward.all(low, rid, high, size)) as PageRow[];
    return (high === undefined ? backwardOpen.all(low, size) : backward.all(high, rid, low, size)) as PageRow[];
  };
}

/** The error of a second document with the same unique key, in the words that drivers parse. */
export function duplicateKey(namespace: string, index: string, pattern: Doc, raw: Buffer): MongoFailure {
  const document = decode(raw);
  const value = Object.fromEntries(Object.keys(pattern).map((path) => [path, valueAtPath(document, path)]));
  const shown = Object.entries(value).map(([path, field]) => `${path}: ${EJSON.stringify(field as object) ?? 'null'}`);
  return new MongoFailure(
    11000,
    `E11000 duplicate key error collection: ${namespace} index: ${index} dup key: { ${shown.join(', ')} }`,
    { keyPattern: pattern, keyValue: value },
  );
}

function valueAtPath(document: unknown, path: string): unknown {
  let value = document;
  for (const part of path.split('.')) {
    if (typeof value !== 'object' || value === null) return null;
    value = (value as Doc)[part];
  }
  return value ?? null;
}
