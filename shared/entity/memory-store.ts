import type { JournalRecord } from './entity.ts';
import type { Document, EntityStore } from './store.ts';

export interface MemoryStore<State> extends EntityStore<State> {
  readonly documents: ReadonlyMap<string, Document<State>>;
  readonly journal: ReadonlyMap<string, JournalRecord>;
}

/** A store for simulation and benchmarks: same rules, gone with the process. */
export function createMemoryStore<State>(): MemoryStore<State> {
  const documents = new Map<string, Document<State>>();
  const journal = new Map<string, JournalRecord>();
  const dueKeys = new Map<string, number>();

  return {
    documents,
    journal,
    async load(keys) {
      const found = new Map<string, Document<State>>();
      for (const key of keys) {
        const document = documents.get(key);
        if (document !== undefined) found.set(key, document);
      }
      return found;
    },
    async commit(writes) {
      const lost = new Set<string>();
      for (const { over, document } of writes) {
        if ((documents.get(document.key)?.version ?? 0) !== over) {
          lost.add(document.key);
          continue;
        }
        documents.set(document.key, document);
        if (document.dueAt === undefined) dueKeys.delete(document.key);
        else dueKeys.set(document.key, document.dueAt);
      }
      return lost;
    },
    async append(records) {
      for (const record of records) if (!journal.has(record.id)) journal.set(record.id, record);
    },
    async due(now, limit) {
      return [...dueKeys]
        .filter(([, dueAt]) => dueAt <= now)
        .toSorted(([, a], [, b]) => a - b)
        .slice(0, limit)
        .map(([key, dueAt]) => ({ key, dueAt }));
    },
  };
}
