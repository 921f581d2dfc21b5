import { hostname } from 'node:os';
import { type CircuitBreaker, startCircuitBreaker } from './circuit-breaker.ts';
import { gateVariables } from './contract.ts';
import { createHistory } from './history.ts';
import { breakerMeter } from './metrics.ts';
import { REDRIVE } from './pace.ts';
import { policiesOf, policyRules } from './policies.ts';
import { partitionReader } from './partition-facts.ts';
import { breakerRights } from './rights.ts';
import { managementOf, startTtlCheck } from './ttl-check.ts';
import { sagaVariables } from '#services/saga/contract.ts';
import { askedRoutes } from '#shared/bus/topology/asked-routes.ts';
import { readBindings } from '#shared/bus/topology/wiring.ts';
import { defineService } from '#shared/host/service.ts';
import { databaseVariables } from '#shared/host/variables.ts';
import { address, anyNumber, wholeNumber } from '#shared/variable-kinds.ts';

/** Opens and closes the gate of every route. Needs no database for that: it works while there is none. */
export const service = defineService({
  name: 'circuit-breaker',
  rights: breakerRights,
  config: {
    ...gateVariables,
    STEP_DEADLINE_MS: sagaVariables.STEP_DEADLINE_MS,
    /** Where its history is kept. Absent: nowhere; the gate needs none. */
    MONGO_URL: databaseVariables.MONGO_URL.optional(),
    /** How often a message is put back before it becomes a dead letter. */
    MAX_REDRIVES: wholeNumber(0).default(5),
    REDRIVE_START_PER_S: anyNumber(0.1).default(REDRIVE.startPerS),
    REDRIVE_CAP_PER_S: anyNumber(0.1, 2000).default(REDRIVE.capPerS),
    /** Without user: the breaker's own broker user reads it. Absent: the queues' TTLs are not checked, and nobody knows which worker the broker takes. */
    RABBITMQ_MANAGEMENT_URL: address('http', 'https').optional(),
  },
  rules: policyRules,
  async start({ bus, db, clock, log, config, table, metrics, ready, onStop }) {
    const policies = policiesOf(config, table.routes);
    const management = managementOf(config.AMQP_URL, config.RABBITMQ_MANAGEMENT_URL);
    const check = management && startTtlCheck({ ...management, table, policies, clock, log });
    const distrust = (route: string): string | undefined => check?.problem(route);
    const history = db && createHistory(db, clock, log);
    if (history === undefined) log.warn('no history of transitions is kept: MONGO_URL is missing');
    const views: { now: CircuitBreaker['views'] } = { now: () => [] };
    const meter = breakerMeter(metrics, () => views.now(), distrust);
    const breaker = await startCircuitBreaker({
      bus,
      clock,
      log,
      name: `${hostname()}:${process.pid}`,
      policies,
      asked: askedRoutes(table),
      maxRedrives: config.MAX_REDRIVES,
      redrive: { startPerS: config.REDRIVE_START_PER_S, capPerS: config.REDRIVE_CAP_PER_S },
      distrust,
      wiring: management && { table, readBindings: () => readBindings(management.api, management.vhost) },
      readPartitions: management && partitionReader({ ...management, table }),
      onExpired: meter.expired,
      onRedriven: meter.redriven,
      onDecision(route, input, decision, at) {
        meter.decided(route, decision, input);
        history?.record(route, decision, at);
      },
    });
    views.now = breaker.views;
    ready('breaker', () => {
      if (breaker.standing === 'out') throw new Error('neither acting nor next in line');
    });
    ready('queues', () => {
      const problem = table.routes.map(distrust).find((one) => one !== undefined);
      if (problem !== undefined) throw new Error(problem);
    });
    onStop(async () => {
      check?.stop();
      history?.stop();
      await breaker.stop();
    });
  },
});
