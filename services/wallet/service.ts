import { walletApi } from './api.ts';
import { entriesAudit, walletAudit } from './audit.ts';
import { entriesCollection, entryIndexes, findRecordsIn, walletsCollection } from './model.ts';
import { walletEntity } from './wallet.ts';
import { defineService } from '#shared/host/service.ts';
import { databaseVariables } from '#shared/host/variables.ts';

/** Keeps the customers' money. */
export const service = defineService({
  name: 'wallet',
  rights: { route: 'wallet', answers: ['saga'] },
  entity: walletEntity,
  documents: {
    collection: walletsCollection,
    journal: entriesCollection,
    journalIndexes: entryIndexes,
  },
  api: walletApi,
  audit: [entriesAudit, walletAudit],
  config: databaseVariables,
  start(kit) {
    kit.host(walletEntity({ findRecords: findRecordsIn(kit.db) }));
  },
});
