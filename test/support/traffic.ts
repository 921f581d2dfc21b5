/** A stream of orders of all kinds, from customers who try again under the same Idempotency-Key until they are told. */
import { isEnded, orderBody, type Shop } from './place.ts';
import type { TestStack } from './stack.ts';
import { tail, until } from './until.ts';
import { systemClock } from '#shared/clock.ts';

export interface Traffic {
  readonly accepted: ReadonlySet<string>;
  /** By order: the statuses that were seen, each change once. */
  readonly seen: ReadonlyMap<string, readonly string[]>;
  readonly paidIn: Readonly<Record<string, number>>;
  /** The `sku` of requests that were refused for good. */
  readonly refused: ReadonlySet<string>;
  /** Sends `count` orders, at most `perSecond`; resolves when each was answered. */
  stream(count: number, perSecond: number): Promise<void>;
  /** Resolves when every accepted order has ended. */
  allEnded(limitMs: number): Promise<void>;
}

const CUSTOMERS = ['ann', 'ben', 'cora', 'dan'];
const FUNDS = 30_000;
const KINDS = [{}, {}, {}, { paymentMethod: 'pm_declined' }, {}, { amount: 50_000 }, { currency: 'USD' }, {}] as const;

export async function createTraffic(shop: Shop, stack: TestStack): Promise<Traffic> {
  const accepted = new Set<string>();
  const refused = new Set<string>();
  const seen = new Map<string, string[]>();
  const paidIn: Record<string, number> = {};
  let sent = 0;
  for (const customerId of CUSTOMERS) {
    await shop.topUp(customerId, FUNDS);
    paidIn[customerId] = FUNDS;
  }

  async function observe(orderId: string): Promise<string> {
    const { status } = await shop.order(orderId);
    const path = seen.get(orderId) ?? [];
    if (path.at(-1) !== status) seen.set(orderId, [...path, status]);
    return status;
  }

  /** Until an answer is certain. A request that was cut off may have been taken: the same key tells. */
  async function send(index: number): Promise<void> {
    const kind = KINDS[index % KINDS.length]!;
    const body = orderBody({ customerId: CUSTOMERS[index % CUSTOMERS.length]!, sku: `sku-${index}`, ...kind });
    const headers = { 'idempotency-key': `stream-${index}` };
    const { status, body: order } = await until(
      `an answer to order ${index}`,
      () => stack.api.post<{ id: string }>('/v1/orders', body, headers),
      ({ status: code }) => ![409, 429, 503, 504].includes(code),
      { limitMs: 40_000, everyMs: 200, show: () => tail(stack.logs(), 'gateway') },
    );
    if (status !== 202) throw new Error(`order ${index} answered ${status} ${JSON.stringify(order)}`);
    accepted.add(order.id);
    await observe(order.id).catch(() => {}); // the gateway may be down again
    if (index % 9 === 4) await shop.cancel(order.id).catch(() => {});
  }

  /** A request that can never be accepted, while others are. */
  async function sendInvalid(index: number): Promise<void> {
    const sku = `refused-${index}`;
    const answer = await stack.api
      .post('/v1/orders', { ...orderBody({ customerId: 'ann', sku }), total: 1 })
      .catch(() => undefined);
    if (answer !== undefined && answer.status >= 400 && answer.status < 500) refused.add(sku);
  }

  return {
    accepted,
    seen,
    paidIn,
    refused,
    async stream(count, perSecond) {
      const running: Promise<void>[] = [];
      for (let index = sent; index < sent + count; index += 1) {
        running.push(send(index));
        if (index % 10 === 0) running.push(sendInvalid(index));
        await systemClock.sleep(1000 / perSecond);
      }
      sent += count;
      await Promise.all(running);
    },
    async allEnded(limitMs) {
      const open = new Set(accepted);
      await until(
        'every accepted order has ended',
        async () => {
          for (const orderId of open) if (isEnded({ status: (await observe(orderId)) as 'paid' })) open.delete(orderId);
          return [...open];
        },
        (left) => left.length === 0,
        {
          limitMs,
          everyMs: 200,
          show: () =>
            [...open]
              .slice(0, 3)
              .map((id) => tail(stack.logs(), id))
              .join('\n\n'),
        },
      );
      for (const orderId of accepted)
        await shop.timelineWhen(orderId, 'its saga ends', ({ state }) => state !== 'running' && state !== 'undoing');
    },
  };
}
