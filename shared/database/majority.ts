import type { Connection, mongo } from 'mongoose';

/** How a collection is read and written that decides about an acknowledgement, a send or an answer. */
export const DECIDING: {
  readonly readConcern: { readonly level: 'majority' | 'local' };
  readonly writeConcern: { readonly w: 'majority' | 1; readonly journal: true };
} = { readConcern: { level: 'majority' }, writeConcern: { w: 'majority', journal: true } };

/**
 * A collection for what decides: it reads from the primary what a majority has and what therefore cannot be rolled back, whatever the
 * URL says, and a write resolves when the same is true of it.
 */
export function majorityCollection<Stored extends object>(db: Connection, name: string): mongo.Collection<Stored> {
  const client = db.getClient();
  let known = made.get(client);
  if (known === undefined) made.set(client, (known = new Map<string, mongo.Collection>()));
  const path = `${db.name}.${name}`;
  let collection = known.get(path);
  if (collection === undefined) {
    const how = { ...DECIDING, readPreference: 'primary', ignoreUndefined: true } as const;
    known.set(path, (collection = client.db(db.name).collection(name, how)));
  }
  return collection as unknown as mongo.Collection<Stored>;
}

/** Those that were asked for, by client: making one costs as much as a short command. */
const made = new WeakMap<mongo.MongoClient, Map<string, mongo.Collection>>();
