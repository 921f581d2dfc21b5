import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

/**
 * One SQLite file (WAL, synchronous=FULL). Writes gather in one transaction, opened by the first of them; `commit`
 * returns when they are on disk.
 */
export interface Storage {
  readonly database: DatabaseSync;
  /** Opens the transaction if none is open. */
  begin(): void;
  readonly open: boolean;
  commit(): void;
  rollback(): void;
  /** Whether the data has reached the size limit. */
  full(): boolean;
  close(): void;
}

export interface StorageOptions {
  readonly dataDir: string;
  readonly maxBytes: number;
}

export function openStorage({ dataDir, maxBytes }: StorageOptions): Storage {
  mkdirSync(dataDir, { recursive: true });
  const database = new DatabaseSync(join(dataDir, 'mongo.sqlite'));
  database.exec(`
    PRAGMA page_size = 4096;
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = FULL;
    PRAGMA locking_mode = EXCLUSIVE;
    PRAGMA cache_size = -32768;
    PRAGMA temp_store = MEMORY;
    PRAGMA wal_autocheckpoint = 8000;
    CREATE TABLE IF NOT EXISTS collections (id INTEGER PRIMARY KEY AUTOINCREMENT, db TEXT NOT NULL, name TEXT NOT NULL, UNIQUE (db, name));
    CREATE TABLE IF NOT EXISTS indexes (id INTEGER PRIMARY KEY AUTOINCREMENT, collection INTEGER NOT NULL, spec BLOB NOT NULL, multikey INTEGER NOT NULL);
  `);
  const begin = database.prepare('BEGIN IMMEDIATE');
  const commit = database.prepare('COMMIT');
  const pages = database.prepare('SELECT page_count AS total FROM pragma_page_count');
  const free = database.prepare('SELECT freelist_count AS total FROM pragma_freelist_count');
  const size = database.prepare('SELECT page_size AS total FROM pragma_page_size').get()!['total'] as number;
  let open = false;
  let writesUntilCheck = 0;
  let wasFull = false;

  return {
    database,
    begin() {
      if (open) return;
      begin.run();
      open = true;
    },
    get open() {
      return open;
    },
    commit() {
      if (!open) return;
      commit.run();
      open = false;
    },
    rollback() {
      if (!open) return;
      open = false;
      database.exec('ROLLBACK');
    },
    full() {
      if (maxBytes === Infinity) return false;
      if (writesUntilCheck > 0) {
        writesUntilCheck -= 1;
        return wasFull;
      }
      const bytes = ((pages.get()!['total'] as number) - (free.get()!['total'] as number)) * size;
      wasFull = bytes >= maxBytes;
      writesUntilCheck = wasFull ? 0 : 16;
      return wasFull;
    },
    close() {
      database.close();
    },
  };
}
