/** A connection over the stores of a town, as far as views and audits use one: they read what is stored, and nothing is copied. */
import { Query } from 'mingo';
import type { Connection } from 'mongoose';
import { residents } from './residents.ts';
import type { MemoryStore } from '#shared/entity/stores/memory-store.ts';

type Documents = readonly Readonly<Record<string, unknown>>[];

/** `homes`: by service. */
export function connectionTo(homes: ReadonlyMap<string, MemoryStore<unknown>>): Connection {
  /** As they are now. */
  const dataOf = (name: string): Documents =>
    residents.flatMap(({ name: service, documents }): Documents => {
      const home = homes.get(service);
      if (documents.collection === name)
        return [...(home?.documents.values() ?? [])].map((document) => ({ ...document, _id: document.key }));
      if (documents.journal === name)
        return [...(home?.journal.values() ?? [])].map((record) => ({ ...record, _id: record.id }));
      return [];
    });
  const cursorOf = (cursor: ReturnType<Query['find']>): object => ({
    sort: (keys: Record<string, 1 | -1>) => cursorOf(cursor.sort(keys)),
    limit: (size: number) => cursorOf(cursor.limit(size)),
    toArray: async () => cursor.all(),
  });
  const collection = (name: string) => {
    const find = (filter: Record<string, unknown>) => new Query(filter).find(dataOf(name));
    return {
      find: (filter: Record<string, unknown>) => cursorOf(find(filter)),
      findOne: async (filter: Record<string, unknown>) => find(filter).limit(1).all()[0] ?? null,
    };
  };
  const db = { collection };
  return { name: 'town', collection, getClient: () => ({ db: () => db }) } as unknown as Connection;
}
