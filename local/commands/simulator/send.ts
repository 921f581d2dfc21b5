import { type Insisting, patienceOf } from './insisting.ts';
import { emailOf, type PlannedOrder } from './plan.ts';
import type { ApiAnswer, Api } from '#local/commands/api.ts';

/** What a customer who does not insist does about a request that was refused or got no answer: nothing, or ask once more after `Retry-After`. */
export type Retry = 'never' | 'once';

export type Sent =
  | {
      readonly is: 'accepted';
      /** More than one: the stack took copies for orders of their own. */
      readonly orderIds: readonly string[];
      readonly status: number;
      /** When the first copy was. */
      readonly at: number;
    }
  | { readonly is: 'refused' | 'rejected' | 'unanswered'; readonly status?: number; readonly reason?: string };

/** Whoever insists asks under the same key until the answer is certain. */
export interface SenderOptions extends Insisting {
  readonly api: Pick<Api, 'post'>;
  readonly retry: Retry;
  /** Begins every Idempotency-Key: the same plan can be run again on the same stack. */
  readonly run: string;
}

interface Body {
  readonly id?: string;
  readonly type?: string;
  readonly detail?: string;
}

const METHODS: Readonly<Partial<Record<PlannedOrder['kind'], string>>> = {
  slow: 'pm_slow',
  declined: 'pm_declined',
  timeout: 'pm_timeout',
  retried: 'pm_declined_2_times',
};
/** A key that is in use is asked for again whatever `retry` says: its first request is our own. */
const IN_USE_TRIES = 3;

export function createSender({ api, retry, run, ...insisting }: SenderOptions) {
  const { clock } = insisting;

  return {
    /** A duplicate is sent twice at the same time, as by a double click. */
    async place(order: PlannedOrder): Promise<Sent> {
      const copies = order.kind === 'duplicate' ? 2 : 1;
      const all = await Promise.all(Array.from({ length: copies }, () => send(order)));
      const accepted = all.filter((sent) => sent.is === 'accepted');
      const first = accepted[0] ?? all[0]!;
      if (first.is !== 'accepted') return first;
      const at = Math.min(...accepted.map((sent) => sent.at));
      return { ...first, at, orderIds: [...new Set(accepted.flatMap(({ orderIds }) => orderIds))] };
    },
    /** The status of the answer; `undefined` when there was none. */
    async cancel(orderId: string): Promise<number | undefined> {
      const answer = await api.post(`/v1/orders/${encodeURIComponent(orderId)}/cancel`, {}).catch(() => undefined);
      return answer?.status;
    },
  };

  async function send(order: PlannedOrder): Promise<Sent> {
    const patience = patienceOf(insisting);
    let open = false;
    for (let tries = 1; ; tries += 1) {
      const answer = await api
        .post<Body>('/v1/orders', bodyOf(order), { 'idempotency-key': `${run}-${order.n}` })
        .catch(() => undefined);
      const sent = meaning(answer, clock.now());
      const again = sent.is === 'refused' || sent.is === 'unanswered';
      const allowed =
        (sent.status === 409 && tries <= IN_USE_TRIES) || (retry === 'once' && tries === 1) || patience.isLeft();
      open ||= sent.is === 'unanswered';
      // A try that got no answer may have been taken, whatever a later one is told.
      const known: Sent = open && sent.is === 'refused' ? { ...sent, is: 'unanswered' } : sent;
      if (!again || !allowed || !(await patience.pause(answer))) return known;
    }
  }
}

function bodyOf(order: PlannedOrder): object {
  const { kind, customerId, good, quantity } = order;
  return {
    customerId,
    email: emailOf(order),
    items: [{ sku: good.sku, quantity }],
    paymentMethod: METHODS[kind] ?? 'pm_ok',
  };
}

function meaning(answer: ApiAnswer<Body | undefined> | undefined, at: number): Sent {
  if (answer === undefined) return { is: 'unanswered' };
  const { status, body } = answer;
  if (status === 202 && body?.id !== undefined) return { is: 'accepted', orderIds: [body.id], status, at };
  const reason = body?.type ?? body?.detail ?? '';
  switch (status) {
    case 429:
    case 503:
      return { is: 'refused', status, reason };
    case 409:
    case 504:
      return { is: 'unanswered', status, reason };
    default:
      return { is: 'rejected', status, reason };
  }
}
