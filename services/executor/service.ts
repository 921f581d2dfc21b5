import { orderQueue } from './access.ts';
import { executorApi } from './api.ts';
import { queueAudit } from './audit.ts';
import { executorIds, executorVariables } from './contract.ts';
import { executorEntity } from './executor.ts';
import { startExecutors } from './executors.ts';
import { entryArchive, queueCollection, queueRecords, recordIndexes } from './model.ts';
import { claimed, enrolled } from './stored.ts';
import { telling } from './telling.ts';
import { defineService } from '#shared/host/service.ts';
import { databaseVariables, workerVariables } from '#shared/host/variables.ts';

/** Keeps the order queue, and works it off: of several executors one leads. */
export const service = defineService({
  name: 'executor',
  rights: { route: 'executor', commands: ['order'], answers: ['checkout'], hasPeers: true },
  entity: executorEntity,
  documents: {
    collection: queueCollection,
    journal: queueRecords,
    journalIndexes: recordIndexes,
    archive: entryArchive,
  },
  api: executorApi,
  audit: queueAudit,
  config: { ...databaseVariables, ...workerVariables, ...executorVariables },
  start(kit) {
    const { config, db, bus, clock, log } = kit;
    kit.host(executorEntity());

    const members = executorIds(config.EXECUTORS);
    const own = config.WORKER_ID;
    const holder = { owner: own ?? `executor-${clock.id()}`, token: clock.id() };
    const executors = startExecutors({
      members,
      // Where each has a process of its own, names agree.
      wanted: own !== undefined && members.includes(own) ? [own, ...members.filter((id) => id !== own)] : members,
      most: config.EXECUTORS_HERE,
      enrol: (ids) => enrolled(db, ids),
      claim: (id) => claimed(db, clock, id, holder),
      queue: orderQueue(db, bus, clock),
      bus,
      clock,
      log,
      onRole: telling(kit, () => executors),
    });
    kit.onStop(() => executors.stop());
  },
});
