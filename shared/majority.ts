import type { Connection, mongo } from 'mongoose';

const DURABLE = { w: 'majority', journal: true } as const;

/**
 * A collection for what decides about an acknowledgement, a send or an answer: it reads from the primary what a majority has and
 * what therefore cannot be rolled back, whatever the URL says, and a write resolves when the same is true of it.
 */
export function majorityCollection<Stored extends object>(db: Connection, name: string): mongo.Collection<Stored> {
  return db
    .getClient()
    .db(db.name)
    .collection<Stored>(name, {
      readConcern: { level: 'majority' },
      readPreference: 'primary',
      writeConcern: DURABLE,
      ignoreUndefined: true,
    });
}
