/** The world outside of a simulated town: its books, and the ways to it, each of which may be slow, fail or lose the answer. */
import type { Faults } from './faults.ts';
import type { Host } from './host.ts';
import type { Record } from './record.ts';
import type { Scheduler } from './scheduler.ts';
import type { Settings } from './settings.ts';
import { createPayments } from '#local/stand-ins/provider/payments.ts';
import { createWarehouseDeliveries } from '#local/stand-ins/warehouse/deliveries.ts';
import type { Warehouse } from '#services/delivery/warehouse.ts';
import { mailEffect, type Mail, type Mailer } from '#services/notify/notification.ts';
import { messageIdOf } from '#services/notify/templates.ts';
import type { Provider } from '#services/payment/provider.ts';

/** Addresses that begin so take no mail about an order that is completed, so that one is undone after everything else was done. */
export const BAD_NEWS_ONLY = 'bad-news-only+';

/** The payment provider's and the warehouse's own books, and what the mail server accepted. */
export interface Abroad {
  readonly provider: ReturnType<typeof createPayments>;
  readonly warehouse: ReturnType<typeof createWarehouseDeliveries>;
  readonly mails: Mail[];
}

export function createAbroad(): Abroad {
  return { provider: createPayments(), warehouse: createWarehouseDeliveries(), mails: [] };
}

/** What is needed to make a way go wrong. */
export interface Ways {
  readonly abroad: Abroad;
  readonly scheduler: Scheduler;
  readonly faults: Faults;
  readonly settings: Settings;
  readonly record: Record;
}

type Decision = { readonly approved: true } | { readonly approved: false; readonly reason: string };

/** The provider remembers the answer to an idempotency key. */
export function providerOf(host: Host, { abroad: { provider }, settings: { times } }: Ways): Provider {
  return {
    async authorize({ signal, paymentId, orderId, amount, method }) {
      if (method === 'pm_timeout') return never(signal);
      if (method === 'pm_slow') await host.clock.sleep(Math.floor(times.ttlMs / 5), signal);
      return host.effect<Decision>(signal, () => {
        if (provider.find(paymentId)?.status === 'authorized') return { approved: true };
        return provider.authorize(paymentId, { orderId, amount, method });
      });
    },
    capture: ({ signal, paymentId }) => host.effect<Decision>(signal, () => provider.capture(paymentId)),
    void: ({ signal, paymentId }) => host.effect(signal, () => void provider.void(paymentId)),
    refund: ({ signal, paymentId }) =>
      host.effect(signal, () => {
        const refunded =
          provider.find(paymentId)?.status === 'captured' || provider.find(paymentId)?.status === 'refunded';
        provider.refund(paymentId);
        return { refunded };
      }),
  };
}

/** So does the warehouse. */
export function warehouseOf(host: Host, { abroad: { warehouse } }: Ways): Warehouse {
  return {
    dispatch: ({ signal, deliveryId, orderId, items }) =>
      host.effect(signal, () => {
        const { status, body } = warehouse.take({ deliveryId, orderId, items: [...items] });
        if (status < 300 || (status === 409 && warehouse.find(deliveryId)?.status === 'arranged'))
          return { accepted: true } as const;
        return { accepted: false, reason: (body as { reason: string }).reason } as const;
      }),
    cancel: ({ signal, deliveryId }) => host.effect(signal, () => void warehouse.cancel(deliveryId)),
  };
}

/** A mail server that is slow answers late what it took early, or takes late. */
export function mailerOf(
  host: Host,
  { abroad: { mails }, scheduler, faults, settings: { times }, record }: Ways,
): Mailer {
  const { between, chance, clock } = scheduler;
  const { limitMs } = mailEffect(times.sagaMs);
  return {
    async send(mail, signal) {
      const orderId = mail.headers['X-Order-Id']!;
      record.tried(host.name, 'notify', orderId);
      const isSlow = faults.strikes('mail server is slow');
      const slowMs = isSlow ? between(times.ttlMs / 4, limitMs * 1.2) : 0;
      const takesLate = isSlow && chance() < 0.5;
      if (takesLate) await host.clock.sleep(slowMs, signal);
      const answer = await host.effect(signal, () => {
        if (mail.to.startsWith(BAD_NEWS_ONLY) && mail.messageId === messageIdOf(orderId, 'completed'))
          return { accepted: false, reason: 'rejected_address' } as const;
        mails.push(mail);
        return { accepted: true, at: clock.now() } as const;
      });
      if (isSlow && !takesLate) await host.clock.sleep(slowMs, signal);
      return answer;
    },
  };
}

function never<T>(signal: AbortSignal): Promise<T> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });
}
