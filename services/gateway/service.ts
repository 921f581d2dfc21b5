import { z } from 'zod';
import { gatewayAudit } from './audit.ts';
import { credit } from './checkout-page/credit.ts';
import { createGateway, defaultSettings } from './gateway.ts';
import { createLoadShedding } from './load-shedding.ts';
import { refusalCounter } from './metrics.ts';
import { createMongoRequests } from './model.ts';
import { startRequestSweep } from './sweep.ts';
import { waitOf } from './queue-wait.ts';
import { createMongoActs } from '#services/console/acts-model.ts';
import { operatorEndpoints } from '#services/console/operators.ts';
import { doorLookups } from '#services/console/door-lookups.ts';
import { operatorParts, operatorVariables } from '#services/console/parts.ts';
import { operatorRights } from '#services/console/rights.ts';
import { gateVariables } from '#services/circuit-breaker/contract.ts';
import { ping, prepared } from '#shared/database/database.ts';
import { defineService } from '#shared/host/service.ts';
import { workerRules } from '#shared/host/variables.ts';
import { loadRoutes, storedViews } from '#shared/web/api.ts';
import { requestMeter } from '#shared/web/metrics.ts';
import { parseTokenKeys, problemsOfTokenKeys } from '#shared/web/tokens.ts';
import { anyNumber, oneOf, wholeNumber } from '#shared/variable-kinds.ts';

const config = {
  ...operatorVariables,
  GATE_CYCLE_MS: gateVariables.GATE_CYCLE_MS,
  /** `kid:secret[,kid2:secret2]`, secrets of 32 bytes or more; the first one signs. Also as TOKEN_KEYS_FILE. */
  TOKEN_KEYS: z.string(),
  /** Requests at once before new ones are answered 429. */
  GATEWAY_MAX_IN_FLIGHT: wholeNumber(1).default(defaultSettings.maxInFlight),
  /** Orders that are being taken at once, before 503. */
  GATEWAY_MAX_PLACING: wholeNumber(1).default(defaultSettings.maxPlacing),
  /** How long messages may wait for their turn, ms, before fewer orders a second are taken; the others are answered 503. */
  GATEWAY_MAX_WAIT_MS: wholeNumber(1).default(200),
  /** Requests of one customer a second, in this process; 0: no limit. */
  RATE_LIMIT_PER_S: anyNumber(0).default(defaultSettings.customerPerS),
  /** How many of them at once after a rest. */
  RATE_LIMIT_BURST: wholeNumber(1).default(defaultSettings.customerBurst),
  /** Requests without a valid token from one address a second before they are answered 429; 0: no limit. */
  AUTH_FAILURES_PER_S: anyNumber(0).default(defaultSettings.failuresPerS),
  AUTH_FAILURES_BURST: wholeNumber(1).default(defaultSettings.failuresBurst),
  /** A card of the payment provider's tests that the form at /checkout is filled in with. */
  CHECKOUT_CARD: z.string().max(30).optional(),
  /** Minor units and a currency: what a guest of the page finds in its wallet when it buys for the first time. Only to try things with. */
  CHECKOUT_GUEST_CREDIT: credit().optional(),
  /** Whether a proxy stands before it whose X-Forwarded-Proto and X-Forwarded-Host are believed. */
  GATEWAY_BEHIND_PROXY: oneOf(['on', 'off']).prefault('off'),
  /** How often requests that nobody settled are looked for. */
  GATEWAY_SWEEP_MS: wholeNumber(100).default(3000),
};

/** The customers' door. It takes what they ask for, and mounts what the services offer. */
export const service = defineService({
  name: 'gateway',
  rights: operatorRights,
  audit: gatewayAudit,
  config,
  rules: [({ TOKEN_KEYS }) => problemsOfTokenKeys(TOKEN_KEYS), ...workerRules],
  start(kit) {
    const { bus, db, clock, config: set, log, services } = kit;
    const requests = createMongoRequests(db, () => clock.now());
    const operators = operatorParts(kit);
    const { board, roll } = operators;
    const routes = loadRoutes(services);
    const { app } = createGateway({
      services,
      views: storedViews(services, db),
      lookups: doorLookups(operators, set.WORKER_HEARTBEAT_MS),
      operators: operatorEndpoints(operators),
      acts: createMongoActs(db, log),
      bus,
      ask: (...question) => kit.asker.ask(...question),
      requests,
      board,
      tokens: parseTokenKeys(set.TOKEN_KEYS),
      card: set.CHECKOUT_CARD,
      guestCredit: set.CHECKOUT_GUEST_CREDIT,
      clock,
      log,
      shed: createLoadShedding({
        clock,
        log,
        mayWaitMs: set.GATEWAY_MAX_WAIT_MS,
        waitedMs: () => waitOf(roll, { routes, now: clock.now(), heartbeatMs: set.WORKER_HEARTBEAT_MS }),
      }),
      settings: {
        gateCycleMs: set.GATE_CYCLE_MS,
        maxInFlight: set.GATEWAY_MAX_IN_FLIGHT,
        maxPlacing: set.GATEWAY_MAX_PLACING,
        customerPerS: set.RATE_LIMIT_PER_S,
        customerBurst: set.RATE_LIMIT_BURST,
        failuresPerS: set.AUTH_FAILURES_PER_S,
        failuresBurst: set.AUTH_FAILURES_BURST,
        isBehindProxy: set.GATEWAY_BEHIND_PROXY === 'on',
      },
      onAnswer: requestMeter(kit.metrics),
      onRefused: refusalCounter(kit.metrics),
    });
    kit.http(app.callback());
    kit.ready('database', () => ping(db));
    const { publishMs } = defaultSettings;
    const sweep = startRequestSweep({ bus, requests, clock, log, everyMs: set.GATEWAY_SWEEP_MS, publishMs });
    kit.onStop(() => sweep.stop());
    const preparing = new AbortController();
    const indexes = prepared(requests.prepare, kit, preparing.signal).catch(() => {});
    kit.onStop(async () => {
      preparing.abort();
      await indexes;
    });
  },
});
