import { z } from 'zod';
import { createMongoActs } from './acts-model.ts';
import { operatorEndpoints } from './operators.ts';
import { doorLookups } from './door-lookups.ts';
import { operatorParts, operatorVariables } from './parts.ts';
import { operatorRights } from './rights.ts';
import { watchSilence } from './silent-workers.ts';
import { gateVariables } from '#services/circuit-breaker/contract.ts';
import { createGateway } from '#services/gateway/gateway.ts';
import { createMongoRequests } from '#services/gateway/model.ts';
import { ping, prepared } from '#shared/database/database.ts';
import { defineService } from '#shared/host/service.ts';
import { workerRules } from '#shared/host/variables.ts';
import { watchWorkers } from '#shared/partition/roll.ts';
import { storedViews } from '#shared/web/api.ts';
import { requestMeter } from '#shared/web/metrics.ts';
import { parseTokenKeys, problemsOfTokenKeys } from '#shared/web/tokens.ts';

/** The operators' door: everything that the customers' door answers, on an address of its own, for nobody but operators. */
export const service = defineService({
  name: 'console',
  rights: operatorRights,
  config: {
    ...operatorVariables,
    GATE_CYCLE_MS: gateVariables.GATE_CYCLE_MS,
    /** As the gateway's. */
    TOKEN_KEYS: z.string(),
  },
  rules: [({ TOKEN_KEYS }) => problemsOfTokenKeys(TOKEN_KEYS), ...workerRules],
  start(kit) {
    const { bus, db, clock, config: set, log, services } = kit;
    const operators = operatorParts(kit);
    const acts = createMongoActs(db, log);
    const { app } = createGateway({
      door: 'operators',
      services,
      views: storedViews(services, db),
      lookups: doorLookups(operators, set.WORKER_HEARTBEAT_MS),
      operators: operatorEndpoints(operators),
      acts,
      bus,
      ask: (...question) => kit.asker.ask(...question),
      requests: createMongoRequests(db, () => clock.now()),
      board: operators.board,
      tokens: parseTokenKeys(set.TOKEN_KEYS),
      clock,
      log,
      settings: { gateCycleMs: set.GATE_CYCLE_MS },
      onAnswer: requestMeter(kit.metrics),
    });
    const silence = watchSilence({ clock, log, deadAfterMs: set.WORKER_DEAD_AFTER_MS });
    watchWorkers([silence], { bus, log });
    kit.onStop(async () => silence.close());
    kit.http(app.callback());
    kit.ready('database', () => ping(db));
    const preparing = new AbortController();
    const indexes = prepared(acts.prepare, kit, preparing.signal).catch(() => {});
    kit.onStop(async () => {
      preparing.abort();
      await indexes;
    });
  },
});
