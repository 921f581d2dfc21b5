import { deadLettersApi } from './api.ts';
import { deadLettersAudit } from './audit.ts';
import { startDraining } from './draining.ts';
import { noteEndedOrders, watchEndedOrders } from './ended-orders.ts';
import { letterGauge } from './metrics.ts';
import { startReplaying } from './replaying.ts';
import { answerRequests } from './dead-letter-requests.ts';
import { createLetterStore } from './store.ts';
import { endedOrders } from '#services/saga/contract.ts';
import { ping, prepared } from '#shared/database/database.ts';
import { reasonOf } from '#shared/errors.ts';
import { defineService } from '#shared/host/service.ts';
import { storedLookUp } from '#shared/web/api.ts';
import { databaseVariables, workerVariables } from '#shared/host/variables.ts';

/** Keeps what nobody could handle, and sends it again when a person says so. */
export const service = defineService({
  name: 'dead-letters',
  rights: { answersAbout: 'dead-letters', everyRoute: { write: ['in', 'hash'], read: ['dead'] } },
  api: deadLettersApi,
  audit: deadLettersAudit,
  config: { ...databaseVariables, WORKER_ID: workerVariables.WORKER_ID },
  start({ bus, config, table, db, services, clock, log, metrics, ready, onStop }) {
    const store = createLetterStore(db);
    const { routes } = table;
    const stopping = new AbortController();
    const draining = startDraining({ bus, store, routes, clock, log });
    const replaying = startReplaying({ bus, store, routes, clock, log, holder: config.WORKER_ID ?? clock.id() });
    const lookUp = storedLookUp(services, db, clock);
    const orders = { store, ended: (orderIds: readonly string[]) => lookUp(endedOrders, orderIds) };
    const watching = watchEndedOrders({ ...orders, clock, log });
    const answering = answerRequests({
      bus,
      store,
      clock,
      log,
      onMarked: replaying.look,
      noteEnded: (select) => noteEndedOrders(orders, select),
    });
    letterGauge(metrics, store, routes, clock.now);
    let indexed = false;
    const preparing = prepared(store.prepare, { clock, log }, stopping.signal).then(
      () => (indexed = true),
      () => {},
    );
    answering.catch((error: unknown) => log.error('requests can not be heard', { reason: reasonOf(error) }));
    ready('database', () => ping(db));
    ready('indexes', () => {
      if (!indexed) throw new Error('the indexes are not made yet');
    });
    ready('draining', () => {
      if (!draining.ready) throw new Error('not consuming the dead letters of every route');
    });
    // A database that hangs must not hold it for ever: nothing is lost by ending in the middle.
    onStop(async () => {
      stopping.abort();
      const ended = new AbortController();
      const all = Promise.all([draining.stop(), replaying.stop(), watching.stop(), preparing]).finally(() =>
        ended.abort(),
      );
      await Promise.race([all, clock.sleep(config.DRAIN_MS, ended.signal).catch(() => {})]);
    });
  },
});
