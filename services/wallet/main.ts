import { entriesCollection, entryIndexes, findRecordsIn, walletsCollection } from './model.ts';
import { walletEntity } from './wallet.ts';
import { routeTable } from '#services/routes.ts';
import { defineService, runProcess } from '#shared/host/service.ts';

/** Keeps the customers' money. */
export const service = defineService({
  name: 'wallet',
  table: routeTable,
  config: {},
  start(kit) {
    kit.host(walletEntity({ findRecords: findRecordsIn(kit.db) }), {
      collection: walletsCollection,
      journal: entriesCollection,
      journalIndexes: entryIndexes,
    });
  },
});

if (import.meta.main) await runProcess(service);
