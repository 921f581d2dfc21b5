/** The world outside in memory: it approves, delivers and takes every mail at once, and keeps books. */
import { systemClock } from '#shared/clock.ts';
import { pricingPorts } from './pricing-ports.ts';
import type { Ports } from './residents.ts';
import { checkoutPorts } from '#test/support/checkouts.ts';
import { recordsIn } from '#test/support/records.ts';
import { warehouseOf } from '#test/support/warehouse.ts';
import { createWarehouseDeliveries } from '#local/stand-ins/warehouse/deliveries.ts';
import type { Warehouse } from '#services/delivery/warehouse.ts';
import type { Mail, Mailer } from '#services/notify/notification.ts';
import type { Provider } from '#services/payment/provider.ts';
import { usualRetrying } from '#services/saga/retrying.ts';
import type { JournalRecord } from '#shared/entity/entity.ts';
import { silentLog } from '#shared/log.ts';

/** As a saga's timing is by default. */
export const TIMING = {
  stepDeadlineMs: 60_000,
  sagaDeadlineMs: 600_000,
  resend: { baseMs: 5000, capMs: 60_000 },
} as const;

/** As often as orders are tried again by default, but at once. */
export const RETRYING = { ...usualRetrying, delayMs: 50 } as const;

export interface Outside {
  /** Payments that the provider has captured and not refunded. */
  readonly captured: ReadonlySet<string>;
  readonly deliveries: ReturnType<typeof createWarehouseDeliveries>;
  readonly mails: readonly Mail[];
  readonly provider: Provider;
  readonly warehouse: Warehouse;
  readonly mailer: Mailer;
}

export function createOutside(now: () => number): Outside {
  const captured = new Set<string>();
  const deliveries = createWarehouseDeliveries();
  const mails: Mail[] = [];
  return {
    captured,
    deliveries,
    mails,
    provider: {
      authorize: async () => ({ approved: true }),
      capture: async ({ paymentId }) => (captured.add(paymentId), { approved: true }),
      void: async () => {},
      refund: async ({ paymentId }) => ({ refunded: captured.delete(paymentId) }),
    },
    warehouse: warehouseOf(deliveries),
    mailer: { send: async (mail) => (mails.push(mail), { accepted: true, at: now() }) },
  };
}

/** It answers the same for ever and remembers nothing: for the benchmark, which measures none of it. */
export function indifferent(now: () => number): Pick<Outside, 'provider' | 'warehouse' | 'mailer'> {
  return {
    provider: {
      authorize: async () => ({ approved: true }),
      capture: async () => ({ approved: true }),
      void: async () => {},
      refund: async () => ({ refunded: true }),
    },
    warehouse: { dispatch: async () => ({ accepted: true }), cancel: async () => {} },
    mailer: { send: async () => ({ accepted: true, at: now() }) },
  };
}

/** What a resident asks for, whoever it is. `journal`: that of its own documents. */
export function portsOf(
  outside: Pick<Outside, 'provider' | 'warehouse' | 'mailer'>,
  journal: Pick<ReadonlyMap<string, JournalRecord>, 'get'>,
): Ports {
  const { provider, warehouse, mailer } = outside;
  const usual = { effect: undefined, room: undefined, skewMs: undefined };
  return {
    provider,
    warehouse,
    mailer,
    findRecords: recordsIn(journal),
    ...TIMING,
    ...checkoutPorts,
    retrying: RETRYING,
    log: silentLog,
    ...pricingPorts(() => undefined, systemClock),
    ask: () => Promise.reject(new Error('nobody can be asked here')),
    ...usual,
  };
}
