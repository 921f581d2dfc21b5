import type { Table } from './assignment.ts';
import type { TableStore } from './table-store.ts';

/** Like the one on MongoDB, for tests and simulation. */
export function createMemoryTableStore(): TableStore {
  const tables = new Map<string, Table>();
  return {
    load: (route) => Promise.resolve(tables.get(route)),
    replace(route, expectedVersion, table) {
      const over = tables.get(route)?.version ?? 0;
      if (over !== expectedVersion) return Promise.resolve(false);
      tables.set(route, table);
      return Promise.resolve(true);
    },
  };
}
