/** One document as the server knows it. `raw` undefined: deleted, or never there. */
export interface Entry {
  readonly key: string;
  /** Its row; 0 until it has one. A deleted document keeps it: the journal knows it by this number. */
  rid: number;
  raw: Buffer | undefined;
  /** Whether the table has its row. */
  stored: boolean;
  /** `raw` is newer than its row. */
  dirty: boolean;
  /** The version that the non-unique indexes know; only while `reindex`. */
  indexed: Buffer | undefined;
  /** `raw` is newer than the non-unique indexes. */
  reindex: boolean;
  /** The turn of its last change. */
  turn: number;
}

/** Cached entries in two generations: what was not used during a whole generation is forgotten, unless it is dirty. */
export interface EntryCache {
  get(key: string): Entry | undefined;
  add(entry: Entry): void;
  age(): void;
}

const overheadBytes = 400;

/** `cached` is told every change of the number of bytes held. */
export function createEntryCache(cached: (bytes: number) => void): EntryCache {
  let young = new Map<string, Entry>();
  let old = new Map<string, Entry>();
  return {
    get(key) {
      const found = young.get(key);
      if (found !== undefined) return found;
      const aged = old.get(key);
      if (aged === undefined) return undefined;
      old.delete(key);
      young.set(key, aged);
      return aged;
    },
    add(entry) {
      young.set(entry.key, entry);
      cached((entry.raw?.length ?? 0) + overheadBytes);
    },
    age() {
      const kept = new Map<string, Entry>();
      for (const [key, entry] of old) {
        if (entry.dirty || entry.reindex) kept.set(key, entry);
        else cached(-(entry.raw?.length ?? 0) - overheadBytes);
      }
      old = young;
      young = kept;
    },
  };
}
