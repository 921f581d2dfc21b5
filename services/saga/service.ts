import { sagaApi } from './api.ts';
import { definitions, definitionsWith, runByThoseWhoDoNotSay } from './place-order-versions.ts';
import { orderLogsCollection, orderLogsIndexes, sagaArchive, sagasCollection } from './model.ts';
import { logsAudit, sagaAudit } from './audit.ts';
import { audiencesOf, commandedBy } from './routes.ts';
import { SAGA_ROUTE, sagaVariables } from './contract.ts';
import { gateVariables } from '#services/circuit-breaker/contract.ts';
import { type Retrying, usualRetrying } from './retrying.ts';
import { sagaEntity, type SagaOptions } from './saga.ts';
import { defineService } from '#shared/host/service.ts';
import { oneOf, wholeNumber } from '#shared/variable-kinds.ts';

const { MESSAGE_TTL_MS, GATE_DELAY_MS, GATE_CYCLE_MS } = gateVariables;
/** A step has to outlast them. */
const gateTimes = { MESSAGE_TTL_MS, GATE_DELAY_MS, GATE_CYCLE_MS };

const entity = ({ retrying, ...options }: SagaOptions & { readonly retrying: Retrying }) =>
  sagaEntity(definitionsWith(retrying), options);

/** Moves each order along its road, and back again when a step fails. */
export const service = defineService({
  name: 'saga',
  rights: { route: SAGA_ROUTE, commands: commandedBy(definitions), audiences: audiencesOf(definitions) },
  entity,
  documents: {
    collection: sagasCollection,
    archive: sagaArchive,
    journal: orderLogsCollection,
    journalIndexes: orderLogsIndexes,
  },
  api: sagaApi,
  audit: [sagaAudit, logsAudit],
  config: {
    ...sagaVariables,
    ...gateTimes,
    /** The wait before an undo or a forward-only step is sent again; doubles with every try, up to the cap. */
    RESEND_BASE_MS: wholeNumber(1).default(5000),
    RESEND_CAP_MS: wholeNumber(1).default(60_000),
    /** How often an order is tried at most when its stock is short or its payment is declined, and how long after a refusal. */
    ORDER_TRIES: wholeNumber(1, 21).default(usualRetrying.tries),
    ORDER_RETRY_MS: wholeNumber(1, 3_600_000).default(usualRetrying.delayMs),
    /** What becomes of the stock of an order whose payment waits for its next try. */
    STOCK_BETWEEN_TRIES: oneOf(['hold', 'release']).default(usualRetrying.stockBetween),
  },
  rules: [
    (config) =>
      config.STEP_DEADLINE_MS > config.MESSAGE_TTL_MS + config.GATE_DELAY_MS + config.GATE_CYCLE_MS
        ? []
        : ['STEP_DEADLINE_MS must be more than MESSAGE_TTL_MS + GATE_DELAY_MS + GATE_CYCLE_MS'],
    (config) =>
      config.SAGA_DEADLINE_MS > config.STEP_DEADLINE_MS ? [] : ['SAGA_DEADLINE_MS must be more than STEP_DEADLINE_MS'],
    (config) =>
      config.SAGA_DEADLINE_MS > (config.ORDER_TRIES - 1) * config.ORDER_RETRY_MS
        ? []
        : ['SAGA_DEADLINE_MS must be more than all waits between tries, (ORDER_TRIES - 1) * ORDER_RETRY_MS'],
  ],
  async start(kit) {
    const { STEP_DEADLINE_MS, SAGA_DEADLINE_MS, RESEND_BASE_MS, RESEND_CAP_MS } = kit.config;
    const resend = { baseMs: RESEND_BASE_MS, capMs: RESEND_CAP_MS };
    const timing = { stepDeadlineMs: STEP_DEADLINE_MS, sagaDeadlineMs: SAGA_DEADLINE_MS, resend };
    const { ORDER_TRIES: tries, ORDER_RETRY_MS: delayMs, STOCK_BETWEEN_TRIES: stockBetween } = kit.config;
    const isRunByAll = (definition: string): boolean =>
      kit.othersRun().every((runs = runByThoseWhoDoNotSay) => runs.includes(definition));
    kit.host(entity({ ...timing, log: kit.log, isRunByAll, retrying: { tries, delayMs, stockBetween } }));
  },
});
