import type { DatabaseSync } from 'node:sqlite';
import type { Entry } from './entries.ts';
import { bufferOf } from './document-table.ts';

/**
 * What makes a turn durable: one row with the new versions of all documents that it changed. The tables follow later
 * and many versions at a time, so a document that changes ten times in a second is written to its table once.
 */
export interface Journal {
  readonly turn: number;
  /** Notes a change; the version that the entry has at the end of the turn counts. */
  add(collection: number, entry: Entry): void;
  /** Writes the row of this turn into the open transaction; does nothing when nothing changed. */
  write(): void;
  /** Bytes written since the last `mark`. */
  readonly bytes: number;
  /** Forgets what was noted and not written. */
  discard(): void;
  /** Starts a new section; answers with the end of the last one, to be given to `forget`. */
  mark(): number;
  /** Removes the rows up to `end`: their documents are in the tables. */
  forget(end: number): void;
  /** Every change on record, oldest first. `raw` undefined: a deletion. */
  changes(): Generator<{ readonly collection: number; readonly rid: number; readonly raw: Buffer | undefined }>;
}

const headBytes = 16;

export function openJournal(database: DatabaseSync): Journal {
  database.exec('CREATE TABLE IF NOT EXISTS journal (seq INTEGER PRIMARY KEY, changes BLOB NOT NULL)');
  const insert = database.prepare('INSERT INTO journal (seq, changes) VALUES (?, ?)');
  const forget = database.prepare('DELETE FROM journal WHERE seq <= ?');
  const read = database.prepare('SELECT seq, changes FROM journal WHERE seq > ? ORDER BY seq LIMIT 1');
  let seq = (database.prepare('SELECT MAX(seq) AS top FROM journal').get()!['top'] as number | null) ?? 0;
  let changed: { collection: number; entry: Entry }[] = [];
  let turn = 1;
  let bytes = 0;

  return {
    get turn() {
      return turn;
    },
    get bytes() {
      return bytes;
    },
    add(collection, entry) {
      if (entry.turn === turn) return;
      entry.turn = turn;
      changed.push({ collection, entry });
    },
    write() {
      turn += 1;
      if (changed.length === 0) return;
      let size = 0;
      for (const { entry } of changed) size += headBytes + (entry.raw?.length ?? 0);
      const row = Buffer.allocUnsafe(size);
      let at = 0;
      for (const { collection, entry } of changed) {
        row.writeUInt32LE(collection, at);
        row.writeDoubleLE(entry.rid, at + 4);
        row.writeUInt32LE(entry.raw?.length ?? 0, at + 12);
        at += headBytes;
        if (entry.raw === undefined) continue;
        row.set(entry.raw, at);
        at += entry.raw.length;
      }
      changed = [];
      seq += 1;
      insert.run(seq, row);
      bytes += size;
    },
    discard() {
      changed = [];
      turn += 1;
    },
    mark() {
      bytes = 0;
      return seq;
    },
    forget(end) {
      forget.run(end);
    },
    *changes() {
      let last = 0;
      for (let row = read.get(last); row !== undefined; row = read.get(last)) {
        last = row['seq'] as number;
        const changes = bufferOf(row['changes'] as Uint8Array);
        for (let at = 0; at < changes.length;) {
          const length = changes.readUInt32LE(at + 12);
          const raw = length === 0 ? undefined : changes.subarray(at + headBytes, at + headBytes + length);
          yield { collection: changes.readUInt32LE(at), rid: changes.readDoubleLE(at + 4), raw };
          at += headBytes + length;
        }
      }
    },
  };
}
