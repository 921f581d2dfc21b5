/** What the simulated provider knows about one payment. */
export interface ProviderPayment {
  readonly id: string;
  readonly status: 'none' | 'authorized' | 'captured' | 'voided' | 'refunded';
  readonly captureForbidden: boolean;
  readonly orderId?: string;
  readonly amount?: { readonly amount: number; readonly currency: string };
  readonly method?: string;
}

export type Decision =
  | { readonly approved: true; readonly payment: ProviderPayment }
  | { readonly approved: false; readonly reason: string };

/** The token that declines so many authorizations of an order, then approves. */
const DECLINED_TIMES = /^pm_declined_(?<times>[1-9])_times$/;

/** What the tokens do; any other is declined. */
export type Token = 'pm_ok' | 'pm_declined' | 'pm_slow' | 'pm_timeout';
const tokens: readonly string[] = ['pm_ok', 'pm_slow', 'pm_timeout'] satisfies Token[];

/**
 * The provider's book, in memory: it starts empty each time. Voids and refunds refuse what arrives after them. `declines`: whether the
 * nth payment of an order is declined that its token alone would approve.
 */
export function createPayments(declines: (orderId: string, nth: number) => boolean = () => false) {
  const payments = new Map<string, ProviderPayment>();
  /** By order: payments of it that were declined. */
  const declined = new Map<string, number>();
  const find = (id: string): ProviderPayment => payments.get(id) ?? { id, status: 'none', captureForbidden: false };
  const store = (payment: ProviderPayment): Decision => {
    payments.set(payment.id, payment);
    return { approved: true, payment };
  };
  const refuse = (reason: string): Decision => ({ approved: false, reason });

  return {
    find: (id: string) => payments.get(id),
    authorize(id: string, request: Required<Pick<ProviderPayment, 'orderId' | 'amount' | 'method'>>): Decision {
      const payment = find(id);
      if (payment.status !== 'none') return refuse(`already_${payment.status}`);
      if (request.method === 'pm_declined') return refuse('card_declined');
      const { times } = DECLINED_TIMES.exec(request.method)?.groups ?? {};
      if (times === undefined && !tokens.includes(request.method)) return refuse('unknown_payment_method');
      const nth = (declined.get(request.orderId) ?? 0) + 1;
      if (times === undefined ? declines(request.orderId, nth) : nth <= Number(times)) {
        declined.set(request.orderId, nth);
        return refuse('card_declined');
      }
      return store({ ...payment, ...request, status: 'authorized' });
    },
    capture(id: string): Decision {
      const payment = find(id);
      if (payment.status === 'captured') return { approved: true, payment };
      if (payment.status === 'none') return refuse('not_authorized');
      if (payment.status !== 'authorized') return refuse(`already_${payment.status}`);
      return payment.captureForbidden ? refuse('capture_forbidden') : store({ ...payment, status: 'captured' });
    },
    /** Leaves a captured payment as it is: only a refund undoes a capture. */
    void(id: string): Decision {
      const payment = find(id);
      const open = payment.status === 'none' || payment.status === 'authorized';
      return open ? store({ ...payment, status: 'voided' }) : { approved: true, payment };
    },
    refund(id: string): Decision {
      const payment = find(id);
      if (payment.status === 'captured') return store({ ...payment, status: 'refunded', captureForbidden: true });
      return store({ ...payment, captureForbidden: true });
    },
  };
}
