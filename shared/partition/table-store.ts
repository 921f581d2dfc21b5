import type { Connection } from 'mongoose';
import type { Table } from './assignment.ts';
import { isDuplicateKey } from '#shared/database/duplicate-key.ts';

/** Where the workers of all services agree on who owns what: one table for each route. */
export interface TableStore {
  /** The newest table that is safe from being rolled back. */
  load(route: string): Promise<Table | undefined>;
  /**
   * Writes `table` over the one with `expectedVersion` (0: over none) and tells whether it did. When it throws, it is unknown
   * whether it did: load.
   */
  replace(route: string, expectedVersion: number, table: Table): Promise<boolean>;
}

interface StoredTable extends Table {
  readonly _id: string;
}

const DURABLE = { writeConcern: { w: 'majority', j: true } } as const;

/** In the collection `assignments`. A change of owners survives the loss of a member of the replica set. */
export function createMongoTableStore(db: Connection): TableStore {
  const tables = () => db.getClient().db(db.name).collection<StoredTable>('assignments');
  return {
    async load(route) {
      const stored = await tables().findOne({ _id: route }, { readPreference: 'primary', readConcern: 'majority' });
      if (stored === null) return undefined;
      const { version, members, partitions } = stored;
      return { version, members, partitions };
    },
    async replace(route, expectedVersion, table) {
      if (expectedVersion > 0) {
        const { matchedCount } = await tables().replaceOne(
          { _id: route, version: expectedVersion },
          { ...table },
          DURABLE,
        );
        return matchedCount === 1;
      }
      try {
        await tables().insertOne({ _id: route, ...table }, DURABLE);
        return true;
      } catch (error) {
        if (isDuplicateKey(error)) return false;
        throw error;
      }
    },
  };
}
