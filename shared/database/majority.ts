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
  return db
    .getClient()
    .db(db.name)
    .collection<Stored>(name, { ...DECIDING, readPreference: 'primary', ignoreUndefined: true });
}
