import { systemClock } from '#shared/clock.ts';
import type { Api } from './api.ts';

export interface Load {
  /** Answers since the last call. */
  sinceLastCall(): { readonly accepted: number; readonly refused: number };
  elapsedMs(): number;
  /** Places nothing more; resolves when the last answer is there. */
  stop(): Promise<void>;
  /** Waits until every accepted order has ended, at most `limitMs`. */
  outcome(limitMs: number): Promise<Outcome>;
}

export interface Outcome {
  readonly accepted: number;
  readonly refused: number;
  /** Number of orders by their last status. */
  readonly ended: Readonly<Record<string, number>>;
  readonly missing: readonly string[];
}

const CUSTOMERS = 20;
const ENDS = new Set(['completed', 'failed', 'cancelled']);

/** A steady stream of orders over HTTP, whatever the answers are (an open loop). */
export async function createLoad(api: Api, perSecond: number): Promise<Load> {
  const customers = Array.from({ length: CUSTOMERS }, (_, index) => `demo-${index}`);
  for (const customer of customers)
    await api.post(`/v1/wallets/${customer}/top-ups`, { amount: 10_000_000, currency: 'EUR' });
  const startedAt = systemClock.now();
  const accepted: string[] = [];
  const under = new Set<Promise<void>>();
  let refused = 0;
  let seen = { accepted: 0, refused: 0 };
  let placed = 0;
  let stopped = false;
  let cancel = systemClock.after(0, next);

  function next(): void {
    if (stopped) return;
    placed += 1;
    const placing = place(placed).finally(() => under.delete(placing));
    under.add(placing);
    cancel = systemClock.after(startedAt + (placed * 1000) / perSecond - systemClock.now(), next);
  }

  async function place(n: number): Promise<void> {
    const customer = customers[n % CUSTOMERS]!;
    const item = { sku: 'book', quantity: 1, unitPrice: { amount: 100, currency: 'EUR' } };
    const order = { customerId: customer, email: `${customer}@example.org`, items: [item] };
    const answer = await api.post<{ id: string }>('/v1/orders', order).catch(() => undefined);
    if (answer?.status === 202) accepted.push(answer.body.id);
    else refused += 1;
  }

  async function statusOf(orderId: string): Promise<string> {
    const { body } = await api.get<{ status: string }>(`/v1/orders/${orderId}`);
    return body.status;
  }

  return {
    sinceLastCall() {
      const now = { accepted: accepted.length, refused };
      const since = { accepted: now.accepted - seen.accepted, refused: now.refused - seen.refused };
      seen = now;
      return since;
    },
    elapsedMs: () => systemClock.now() - startedAt,
    async stop() {
      stopped = true;
      cancel();
      await Promise.all(under);
    },
    async outcome(limitMs) {
      const limit = systemClock.now() + limitMs;
      const ended: Record<string, number> = {};
      let open = accepted;
      while (open.length > 0 && systemClock.now() < limit) {
        const still: string[] = [];
        for (const orderId of open) {
          const status = await statusOf(orderId);
          if (ENDS.has(status)) ended[status] = (ended[status] ?? 0) + 1;
          else still.push(orderId);
        }
        open = still;
        if (open.length > 0) await systemClock.sleep(500);
      }
      return { accepted: accepted.length, refused, ended, missing: open };
    },
  };
}
