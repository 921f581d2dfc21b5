import type { JournalRecord } from '#shared/entity/entity.ts';
import {
  fairShare,
  JournalConflict,
  sameRecord,
  type Document,
  type DueKey,
  type EntityStore,
  type Handled,
} from '#shared/entity/store.ts';

export interface MemoryStore<State> extends EntityStore<State> {
  readonly documents: ReadonlyMap<string, Document<State>>;
  readonly journal: ReadonlyMap<string, JournalRecord>;
  /** By key, the ids that are remembered outside the document. */
  readonly remembered: ReadonlyMap<string, ReadonlyMap<string, Handled>>;
}

export interface MemoryStoreOptions {
  /** Epoch ms; what is remembered past its time goes. Absent: nothing goes. */
  readonly now?: () => number;
  /** Larger documents are refused, bytes of JSON; absent: none is. */
  readonly maxDocumentBytes?: number;
}

/** A store for simulation and benchmarks: same rules, gone with the process. */
export function createMemoryStore<State>({
  now = () => 0,
  maxDocumentBytes = Infinity,
}: MemoryStoreOptions = {}): MemoryStore<State> {
  const documents = new Map<string, Document<State>>();
  const journal = new Map<string, JournalRecord>();
  const remembered = new Map<string, Map<string, Handled>>();
  const dueKeys = new Map<string, DueKey>();
  /** By key, with how many ids it is looked through again: twice as many as had to stay. */
  const forgetAt = new Map<string, number>();
  const isPast = ({ until = Infinity }: Handled): boolean => until <= now();

  function forgetPast(key: string): void {
    const known = remembered.get(key);
    if (known === undefined || known.size < (forgetAt.get(key) ?? 1)) return;
    for (const [id, handled] of known) if (isPast(handled)) known.delete(id);
    if (known.size === 0) remembered.delete(key);
    forgetAt.set(key, 2 * known.size);
  }

  return {
    documents,
    journal,
    remembered,
    async load(keys) {
      const found = new Map<string, Document<State>>();
      for (const key of keys) {
        const document = documents.get(key);
        if ((document?.expiresAt ?? Infinity) <= now()) documents.delete(key);
        else if (document !== undefined) found.set(key, document);
      }
      return found;
    },
    async commit(writes) {
      const lost = new Set<string>();
      const refused = new Map<string, string>();
      for (const { over, document } of writes) {
        const { key, dueAt, partition } = document;
        if (maxDocumentBytes < Infinity && JSON.stringify(document).length > maxDocumentBytes) {
          refused.set(key, `the document is larger than ${maxDocumentBytes} bytes`);
        } else if ((documents.get(key)?.version ?? over) !== over) {
          lost.add(key);
        } else {
          documents.set(key, document);
          if (dueAt === undefined) dueKeys.delete(key);
          else dueKeys.set(key, { key, dueAt, ...(partition !== undefined && { partition }) });
        }
      }
      return { lost, refused };
    },
    async remember(records) {
      for (const { key, handled } of records) {
        const ids = remembered.get(key) ?? new Map<string, Handled>();
        remembered.set(key, ids.set(handled.id, handled));
      }
    },
    async recall(key, ids) {
      forgetPast(key);
      const known = remembered.get(key);
      return new Map(
        ids.flatMap((id) => {
          const handled = known?.get(id);
          return handled === undefined || isPast(handled) ? [] : [[id, handled] as const];
        }),
      );
    },
    async records(ids) {
      return new Map(
        ids.flatMap((id) => {
          const record = journal.get(id);
          return record === undefined ? [] : [[id, record] as const];
        }),
      );
    },
    async append(records) {
      const conflicts: string[] = [];
      for (const record of records) {
        const existing = journal.get(record.id);
        if (existing === undefined) journal.set(record.id, record);
        else if (!sameRecord(existing, record)) conflicts.push(record.id);
      }
      if (conflicts.length > 0) throw new JournalConflict(conflicts);
    },
    async due(moment, limit) {
      const found = [...dueKeys.values()].filter(({ dueAt }) => dueAt <= moment).toSorted((a, b) => a.dueAt - b.dueAt);
      return fairShare([...Map.groupBy(found, ({ partition }) => partition).values()], limit);
    },
  };
}
