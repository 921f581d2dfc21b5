/** A connection over the stores of a town, as far as views and audits use one: they read what is stored, and nothing is copied. */
import { Query } from 'mingo';
import type { Connection } from 'mongoose';
import { residents } from './residents.ts';
import { sourcesCollection } from '#services/pricing/sources.ts';
import type { MemoryStore } from '#shared/entity/stores/memory-store.ts';

type Documents = readonly Readonly<Record<string, unknown>>[];

/** `homes`: by service; `texts`: of strategies, by version. */
export function connectionTo(
  homes: ReadonlyMap<string, MemoryStore<unknown>>,
  texts: ReadonlyMap<string, string> = new Map(),
): Connection {
  const documentsOf = (name: string): Documents =>
    residents.flatMap(({ name: service, documents }): Documents => {
      const home = homes.get(service);
      if (documents.collection === name)
        return [...(home?.documents.values() ?? [])].map((document) => ({ ...document, _id: document.key }));
      if (documents.journal === name)
        return [...(home?.journal.values() ?? [])].map((record) => ({ ...record, _id: record.id }));
      return [];
    });
  /** As they are now. */
  const dataOf = (name: string): Documents =>
    name === sourcesCollection ? [...texts].map(([_id, source]) => ({ _id, source })) : documentsOf(name);
  const cursorOf = (cursor: ReturnType<Query['find']>): object => ({
    sort: (keys: Record<string, 1 | -1>) => cursorOf(cursor.sort(keys)),
    limit: (size: number) => cursorOf(cursor.limit(size)),
    toArray: async () => cursor.all(),
  });
  const collection = (name: string) => {
    const find = (filter: Record<string, unknown>) => new Query(filter).find(dataOf(name));
    return {
      find: (filter: Record<string, unknown>) => cursorOf(find(filter)),
      async findOne(filter: Record<string, unknown>, { projection = {} }: { readonly projection?: object } = {}) {
        const [found] = find(filter).limit(1).all() as Documents;
        return found === undefined ? null : { ...found, ...matching(found, projection) };
      },
    };
  };
  const db = { collection };
  return { name: 'town', collection, getClient: () => ({ db: () => db }) } as unknown as Connection;
}

/** Of lists of which only a certain element is asked for, that one. */
function matching(document: Documents[number], projection: object): object {
  return Object.fromEntries(
    Object.entries(projection).flatMap(([field, how]: [string, unknown]) => {
      if (typeof how !== 'object' || how === null || !('$elemMatch' in how)) return [];
      const element = new Query(how.$elemMatch as Record<string, unknown>);
      const list = (document[field] ?? []) as Documents;
      return [[field, list.filter((one) => element.test(one)).slice(0, 1)]];
    }),
  );
}
