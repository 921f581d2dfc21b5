import { executorEntity } from './executor.ts';
import { entryArchive, queueCollection, queueRecords, recordIndexes } from './model.ts';
import { defineService } from '#shared/host/service.ts';

/** Keeps the order queue, and works it off: of several executors one leads. */
export const service = defineService({
  name: 'executor',
  rights: { route: 'executor', commands: ['order'], answers: ['checkout'] },
  entity: executorEntity,
  documents: {
    collection: queueCollection,
    journal: queueRecords,
    journalIndexes: recordIndexes,
    archive: entryArchive,
  },
  config: {},
  start(kit) {
    kit.host(executorEntity());
  },
});
