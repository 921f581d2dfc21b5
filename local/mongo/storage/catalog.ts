import { type Collection, openCollection } from './collection.ts';
import { createDocumentTable } from './document-table.ts';
import { MongoFailure } from '#local/mongo/protocol/failure.ts';
import { describe, indexSpecFrom } from './index-spec.ts';
import { type Index, createIndexTable } from './index-table.ts';
import type { Journal } from './journal.ts';
import { type Doc, decode, encode } from '#local/mongo/protocol/raw.ts';
import type { Storage } from './storage.ts';

/** All databases and collections of a data directory. */
export interface Catalog {
  find(db: string, name: string): Collection | undefined;
  /** The collection, created when it is missing. */
  ensure(db: string, name: string): Collection;
  drop(collection: Collection): void;
  all(): Iterable<Collection>;
  /** Adds an index and fills it; on a failure nothing of it remains. */
  addIndex(collection: Collection, description: Doc): void;
  dropIndex(collection: Collection, index: Index): void;
  /** Lets the caches shrink when they are over their limit. */
  trim(): void;
  /** Forgets everything in memory, reads the tables again and brings them up to date from the journal. */
  reload(): void;
}

export function openCatalog(storage: Storage, journal: Journal, cacheBytes: number): Catalog {
  const { database } = storage;
  const collections = new Map<string, Collection>();
  let cachedBytes = 0;
  const cached = (bytes: number): void => {
    cachedBytes += bytes;
  };

  function reload(): void {
    for (const collection of collections.values()) collection.dropped = true;
    collections.clear();
    cachedBytes = 0;
    for (const row of database.prepare('SELECT id, db, name FROM collections ORDER BY id').all()) {
      const { id, db, name } = row as { id: number; db: string; name: string };
      const indexes = database
        .prepare('SELECT id, spec, multikey FROM indexes WHERE collection = ? ORDER BY id')
        .all(id);
      collections.set(
        `${db}.${name}`,
        openCollection({
          storage,
          journal,
          id,
          db,
          name,
          cached,
          indexes: indexes.map((index) => ({
            id: index['id'] as number,
            spec: indexSpecFrom(decode(Buffer.from(index['spec'] as Uint8Array))),
            multikey: index['multikey'] === 1,
          })),
        }),
      );
    }
    recover();
  }

  function recover(): void {
    const byId = new Map([...collections.values()].map((collection) => [collection.id, collection]));
    const versions = new Map<Collection, Map<number, (Buffer | undefined)[]>>();
    for (const { collection: id, rid, raw } of journal.changes()) {
      const collection = byId.get(id);
      if (collection === undefined) continue;
      const documents = versions.get(collection) ?? new Map<number, (Buffer | undefined)[]>();
      versions.set(collection, documents);
      documents.set(rid, [...(documents.get(rid) ?? []), raw]);
    }
    storage.begin();
    for (const [collection, documents] of versions) {
      for (const [rid, each] of documents) collection.recover(rid, each);
    }
    journal.forget(journal.mark());
    storage.commit();
  }

  function create(db: string, name: string): Collection {
    if (name === '' || name.includes('$') || name.includes('\0') || /[/\\. "$*<>:|?\0]/.test(db) || db === '') {
      throw new MongoFailure(73, `${db}.${name} is not a valid name`);
    }
    storage.begin();
    const { lastInsertRowid } = database.prepare('INSERT INTO collections (db, name) VALUES (?, ?)').run(db, name);
    const id = Number(lastInsertRowid);
    createDocumentTable(database, id);
    const collection = openCollection({ storage, journal, id, db, name, cached, indexes: [] });
    collections.set(`${db}.${name}`, collection);
    return collection;
  }

  function dropIndex(collection: Collection, index: Index): void {
    collection.removeIndex(index);
    storage.begin();
    database.prepare('DELETE FROM indexes WHERE id = ?').run(index.id);
    database.exec(`DROP TABLE ix_${index.id}`);
  }

  reload();
  return {
    find: (db, name) => collections.get(`${db}.${name}`),
    ensure: (db, name) => collections.get(`${db}.${name}`) ?? create(db, name),
    drop(collection) {
      for (const index of collection.indexes) dropIndex(collection, index);
      collection.flush();
      collection.dropped = true;
      storage.begin();
      database.exec(`DROP TABLE docs_${collection.id}`);
      database.prepare('DELETE FROM collections WHERE id = ?').run(collection.id);
      collections.delete(`${collection.db}.${collection.name}`);
    },
    all: () => collections.values(),
    addIndex(collection, description) {
      const spec = indexSpecFrom(description);
      storage.begin();
      const { lastInsertRowid } = database
        .prepare('INSERT INTO indexes (collection, spec, multikey) VALUES (?, ?, 0)')
        .run(collection.id, encode(describe(spec)));
      const index: Index = { id: Number(lastInsertRowid), spec, multikey: false };
      createIndexTable(database, index.id);
      try {
        collection.addIndex(index);
      } catch (error) {
        dropIndex(collection, index);
        throw error;
      }
    },
    dropIndex,
    trim() {
      if (cachedBytes <= cacheBytes) return;
      for (const collection of collections.values()) collection.age();
    },
    reload,
  };
}
