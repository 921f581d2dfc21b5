import { checkoutApi } from './api.ts';
import { checkoutAudit } from './audit.ts';
import { checkoutEntity } from './checkout.ts';
import { checkoutArchive, checkoutsCollection } from './model.ts';
import { runByThoseWhoDoNotSay } from './place-checkout.ts';
import { participants } from '#services/checkout-flow.ts';
import { delayMsOf, gateVariables } from '#services/circuit-breaker/contract.ts';
import { defineService } from '#shared/host/service.ts';
import { oneOf, wholeNumber } from '#shared/variable-kinds.ts';

/** An approved order is put into the queue until it stands there. */
const QUEUEING_MS = 30 * 24 * 3_600_000;
const { GATE_DELAY_MS, GATE_POLICIES } = gateVariables;
const RESEND = { baseMs: 2000, capMs: 60_000 };

/** Moves each checkout through its events, in an order that its clocks show. */
export const service = defineService({
  name: 'checkout',
  rights: { route: 'checkout', commands: ['verification', 'fraud', 'suggestions', 'executor'] },
  entity: checkoutEntity,
  documents: { collection: checkoutsCollection, archive: checkoutArchive },
  api: checkoutApi,
  audit: checkoutAudit,
  config: {
    /** One event after the other, or side by side what need not wait; for new checkouts. */
    CHECKOUT_ORDER: oneOf(['chain', 'partial']).prefault('chain'),
    /** How long an event may take; later its service does nothing, and the checkout has failed. */
    CHECKOUT_STEP_MS: wholeNumber(500, 60_000).prefault('5000'),
    GATE_DELAY_MS,
    GATE_POLICIES,
  },
  rules: [
    (config) =>
      participants
        .filter((route) => config.CHECKOUT_STEP_MS <= delayMsOf(config, route))
        .map(
          (route) =>
            `CHECKOUT_STEP_MS must be more than the delay of the gate of ${route}, or no checkout ends while it is half-open`,
        ),
  ],
  start({ config, log, host, othersRun }) {
    const checkoutTiming = { stepDeadlineMs: config.CHECKOUT_STEP_MS, sagaDeadlineMs: QUEUEING_MS, resend: RESEND };
    const isRunByAll = (definition: string): boolean =>
      othersRun().every((runs = runByThoseWhoDoNotSay) => runs.includes(definition));
    host(checkoutEntity({ checkoutTiming, checkoutFlow: config.CHECKOUT_ORDER, log, isRunByAll }));
  },
});
