/** An end-to-end test's hands: what a shop and its customers do with a stack, over HTTP and the inbox's REST API. */
import { skuOf } from './goods.ts';
import type { TestStack } from './stack.ts';
import { tail, until } from './until.ts';
import type { DeliveryView } from '#services/delivery/view.ts';
import type { OrderView } from '#services/order/view.ts';
import type { PaymentView } from '#services/payment/view.ts';
import type { Timeline } from '#services/saga/view.ts';
import type { EntryView, WalletView } from '#services/wallet/view.ts';
import type { ApiAnswer } from '#local/commands/api.ts';
import { systemClock } from '#shared/clock.ts';

export interface Mail {
  readonly id: string;
  readonly subject: string;
  readonly messageId?: string;
  readonly text?: string;
  readonly html?: string;
  readonly to: readonly { readonly address: string }[];
  readonly headers: Readonly<Record<string, string>>;
}

export interface Wanted {
  readonly customerId: string;
  readonly amount?: number;
  readonly currency?: string;
  /** In the place of the good that costs the amount. */
  readonly sku?: string;
  readonly quantity?: number;
  readonly email?: string;
  readonly paymentMethod?: string;
}

const ENDED: readonly string[] = ['completed', 'failed', 'cancelled'];

export const isEnded = ({ status }: Pick<OrderView, 'status'>): boolean => ENDED.includes(status);

/** Every order of an end-to-end test. It states its price: what it costs is the catalogue's to say. */
export function orderBody({ customerId, amount = 1000, currency = 'EUR', ...wanted }: Wanted) {
  const { sku = skuOf(amount, currency), quantity = 1, email = `${customerId}@example.org`, paymentMethod } = wanted;
  return {
    customerId,
    email,
    items: [{ sku, quantity, unitPrice: { amount, currency } }],
    ...(paymentMethod === undefined ? {} : { paymentMethod }),
  };
}

export function createShop(stack: TestStack) {
  const { api } = stack;
  const path = (orderId: string): string => `/v1/orders/${encodeURIComponent(orderId)}`;

  /** Asks again while it is told to: 503 with Retry-After. */
  async function read<Body>(from: string): Promise<Body> {
    const isAnswer = ({ status, headers }: ApiAnswer<Body>): boolean => status !== 503 || !headers.has('retry-after');
    const { status, body } = await until(`${from} can be read`, () => api.get<Body>(from), isAnswer, { everyMs: 200 });
    if (status !== 200) throw new Error(`GET ${from} answered ${status} ${JSON.stringify(body)}`);
    return body;
  }

  /** Asks under one key until it is refused for good or certainly taken, as customers do. */
  async function taken<Body>(
    what: string,
    ask: (key: Readonly<Record<string, string>>) => Promise<ApiAnswer<Body>>,
  ): Promise<ApiAnswer<Body>> {
    const key = { 'idempotency-key': `${what}-${systemClock.id()}` };
    const isUncertain = ({ status, body }: ApiAnswer<Body>): boolean =>
      status === 503 || status === 504 || (body as { type?: string }).type === '/problems/idempotency-key-in-use';
    return until(
      `${what} is taken`,
      () => ask(key),
      (answer) => !isUncertain(answer),
      { everyMs: 200, show: () => tail(stack.logs(), 'circuit-breaker') },
    );
  }

  const shop = {
    read,
    order: (orderId: string) => read<OrderView>(path(orderId)),
    timeline: (orderId: string) => read<Timeline>(`${path(orderId)}/timeline`),
    payments: async (orderId: string) =>
      (await read<{ items: readonly PaymentView[] }>(`/v1/payments?orderId=${encodeURIComponent(orderId)}`)).items,
    deliveries: async (orderId: string) =>
      (await read<{ items: readonly DeliveryView[] }>(`/v1/deliveries?orderId=${encodeURIComponent(orderId)}`)).items,
    wallet: (customerId: string) => read<WalletView>(`/v1/wallets/${encodeURIComponent(customerId)}`),
    /** Oldest first, all pages. */
    async entries(customerId: string): Promise<readonly EntryView[]> {
      return (await shop.all<EntryView>(`/v1/wallets/${encodeURIComponent(customerId)}/entries`)).toReversed();
    },
    /** All pages of a list. */
    async all<Item>(list: string): Promise<readonly Item[]> {
      const items: Item[] = [];
      for (let cursor: string | undefined = ''; cursor !== undefined;) {
        const from: string =
          cursor === '' ? `${list}?limit=100` : `${list}?limit=100&cursor=${encodeURIComponent(cursor)}`;
        const page = await read<{ items: readonly Item[]; nextCursor?: string }>(from);
        items.push(...page.items);
        cursor = page.nextCursor;
      }
      return items;
    },
    async mails(orderId?: string): Promise<readonly Mail[]> {
      const answer = await fetch(`${stack.inboxUrl}/email`, { signal: AbortSignal.timeout(10_000) });
      const mails = (await answer.json()) as readonly Mail[];
      return orderId === undefined ? mails : mails.filter(({ headers }) => headers['x-order-id'] === orderId);
    },
    async topUp(customerId: string, amount: number, currency = 'EUR'): Promise<void> {
      const { status, headers, body } = await taken('top-up', (key) =>
        api.post(`/v1/wallets/${customerId}/top-ups`, { amount, currency }, key),
      );
      if (status === 202) {
        const ask = () => shop.read<{ readonly state: string }>(headers.get('location') ?? '');
        await until('a top-up that was accepted is in the wallet', ask, ({ state }) => state === 'done');
      } else if (status !== 201) throw new Error(`a top-up answered ${status} ${JSON.stringify(body)}`);
    },
    request: (wanted: Wanted, headers: Readonly<Record<string, string>> = {}): Promise<ApiAnswer<OrderView>> =>
      api.post<OrderView>('/v1/orders', orderBody(wanted), headers),
    /** Places an order, once, and gives its id; asks again while the breaker refuses. */
    async place(wanted: Wanted): Promise<string> {
      const { status, body } = await taken('order', (key) => shop.request(wanted, key));
      if (status !== 202) throw new Error(`an order answered ${status} ${JSON.stringify(body)}`);
      return body.id;
    },
    cancel: (orderId: string) =>
      api.post<OrderView & { type?: string; reason?: string }>(`${path(orderId)}/cancel`, {}),
    async fault(service: string, faults: object): Promise<void> {
      const { status, body } = await api.put(`/v1/faults/${service}`, faults);
      if (status !== 200) throw new Error(`a fault at ${service} answered ${status} ${JSON.stringify(body)}`);
    },
    /** Resolves with the timeline as soon as it is as wanted. */
    timelineWhen: (orderId: string, what: string, holds: (timeline: Timeline) => boolean, limitMs?: number) =>
      until(`order ${orderId}: ${what}`, () => shop.timeline(orderId), holds, {
        ...(limitMs === undefined ? {} : { limitMs }),
        show: () => tail(stack.logs(), orderId),
      }),
    waitingFor: (orderId: string, step: string) =>
      shop.timelineWhen(orderId, `waits for ${step}`, ({ waitingFor }) => waitingFor?.step === step),
    /** Resolves when both the order and its saga have ended. */
    async ended(orderId: string, limitMs = 90_000): Promise<{ order: OrderView; timeline: Timeline }> {
      const timeline = await shop.timelineWhen(orderId, 'ends', ({ state }) => ENDED.includes(state), limitMs);
      const order = await until(`order ${orderId} is at rest`, () => shop.order(orderId), isEnded, {
        show: () => tail(stack.logs(), orderId),
      });
      return { order, timeline };
    },
    async run(wanted: Wanted, limitMs?: number) {
      return shop.ended(await shop.place(wanted), limitMs);
    },
  };
  return shop;
}

export type Shop = ReturnType<typeof createShop>;
