/** A stack that is only its API, in memory and under a virtual clock: what it answers and how its orders end is the test's choice. */
import type { ApiAnswer, Api } from '#local/commands/api.ts';
import { ISLAND, POSTCARD, SOLD_OUT } from '#local/commands/simulator/goods.ts';
import type { Shelved } from '#local/commands/simulator/goods.ts';
import { createVirtualClock } from '#test/support/virtual-clock.ts';

interface Placed {
  readonly id: string;
  readonly body: OrderBody;
  readonly createdAt: number;
  status: string;
  updatedAt: number;
  reason?: string;
}

export interface OrderBody {
  readonly customerId: string;
  readonly items: readonly { readonly sku: string }[];
  readonly paymentMethod: string;
}

export interface End {
  readonly status: string;
  readonly afterMs: number;
  readonly reason?: string;
}

export interface WorldOptions {
  /** How an order ends; `undefined`: never. */
  readonly endOf?: (body: OrderBody) => End | undefined;
  /** Another answer than 202 to the nth request for an order (from 1). */
  readonly refuse?: (request: number, key: string) => { status: number; retryAfterS?: number } | 'cut' | undefined;
  readonly answerMs?: number;
  /** Does not know Idempotency-Keys. */
  readonly forgetful?: boolean;
}

/** As the real services do. */
export function properEnd({ paymentMethod, items }: OrderBody): End {
  const { sku } = items[0]!;
  const failed = (reason: string, afterMs = 50): End => ({ status: 'failed', afterMs, reason });
  if (sku === POSTCARD.sku) return failed('currency_mismatch');
  if (sku === ISLAND.sku) return failed('insufficient_funds');
  if (sku === SOLD_OUT.sku) return failed('insufficient_stock');
  if (paymentMethod === 'pm_declined') return failed('card_declined');
  if (paymentMethod === 'pm_timeout') return failed('timed_out', 60_000);
  return { status: 'completed', afterMs: paymentMethod === 'pm_slow' ? 1100 : 80 };
}

export function createWorld({ endOf = properEnd, refuse, answerMs = 5, forgetful = false }: WorldOptions = {}) {
  const clock = createVirtualClock();
  const orders = new Map<string, Placed>();
  const byKey = new Map<string, Placed>();
  const topUps = new Map<string, number>();
  /** By sku. */
  const products = new Map<string, Shelved>();
  const requests: { readonly method: string; readonly path: string; readonly at: number; readonly key: string }[] = [];
  let placings = 0;
  let under = 0;
  let mostUnder = 0;

  const answer = <Body>(status: number, body: unknown, headers: Record<string, string> = {}): ApiAnswer<Body> => ({
    status,
    headers: new Headers(headers),
    body: body as Body,
  });
  const view = ({ id, status, updatedAt, reason }: Placed) => ({
    id,
    status,
    updatedAt: new Date(updatedAt).toISOString(),
    ...(reason && { failure: { reason } }),
  });

  function placeOrder<Body>(body: OrderBody, key: string): ApiAnswer<Body> {
    placings += 1;
    const refusal = refuse?.(placings, key);
    if (refusal === 'cut') throw new TypeError('fetch failed');
    if (refusal !== undefined) {
      const headers: Record<string, string> = {};
      if (refusal.retryAfterS !== undefined) headers['retry-after'] = String(refusal.retryAfterS);
      return answer(refusal.status, { type: '/problems/refused' }, headers);
    }
    const known = forgetful ? undefined : byKey.get(key);
    const order: Placed = known ?? {
      id: clock.id(),
      body,
      createdAt: clock.now(),
      status: 'pending',
      updatedAt: clock.now(),
    };
    if (known === undefined) {
      orders.set(order.id, order);
      byKey.set(key, order);
      const end = endOf(body);
      if (end) clock.after(end.afterMs, () => finish(order, end.status, end.reason));
    }
    return answer(202, { ...view(order), status: 'pending' });
  }

  function finish(order: Placed, status: string, reason?: string): void {
    if (order.status !== 'pending') return;
    order.status = status;
    order.updatedAt = clock.now();
    if (reason !== undefined) order.reason = reason;
  }

  function respond<Body>(method: string, path: string, body: unknown, key: string): ApiAnswer<Body> {
    const { pathname, searchParams } = new URL(path, 'http://stack');
    const [, , what, id, part] = pathname.split('/');
    if (method === 'POST' && what === 'wallets') {
      topUps.set(id!, (topUps.get(id!) ?? 0) + (body as { amount: number }).amount);
      return answer(201, {});
    }
    if (what === 'products') {
      const product = id === undefined ? (body as Shelved) : products.get(id);
      if (product === undefined) return answer(404, {});
      if (method === 'POST' && products.has(product.sku)) return answer(409, { type: '/problems/product-exists' });
      products.set(product.sku, product);
      return answer(method === 'POST' ? 201 : 200, product);
    }
    if (what === 'stock' && method === 'GET') return answer(200, { available: products.get(id!)?.initialStock });
    if (what === 'stock') return answer(201, {});
    if (method === 'POST' && part === 'cancel') {
      const order = orders.get(id!)!;
      if (order.status !== 'pending') return answer(409, {});
      finish(order, 'cancelled', 'cancelled');
      return answer(202, {});
    }
    if (method === 'POST') return placeOrder(body as OrderBody, key);
    if (id !== undefined) {
      const order = orders.get(id);
      return order ? answer(200, view(order)) : answer(404, {});
    }
    const limit = Number(searchParams.get('limit'));
    const from = searchParams.get('cursor');
    const listed = [...orders.values()]
      .toSorted((a, b) => (a.id < b.id ? 1 : -1))
      .filter((order) => from === null || order.id < from);
    const items = listed.slice(0, limit).map(view);
    return answer(200, { items, ...(listed.length > limit && { nextCursor: items.at(-1)!.id }) });
  }

  async function call<Body>(method: string, path: string, body?: unknown, key = ''): Promise<ApiAnswer<Body>> {
    requests.push({ method, path, at: clock.now(), key });
    under += 1;
    mostUnder = Math.max(mostUnder, under);
    await clock.sleep(answerMs);
    under -= 1;
    return respond<Body>(method, path, body, key);
  }

  const api: Api = {
    get: (path) => call('GET', path),
    post: (path, body, headers) => call('POST', path, body, headers?.['idempotency-key']),
    put: (path, body) => call('PUT', path, body),
    delete: (path) => call('DELETE', path),
  };
  return {
    clock,
    api,
    orders,
    topUps,
    products,
    requests,
    placings: () => requests.filter(({ method, path }) => method === 'POST' && path === '/v1/orders'),
    readings: () => requests.filter(({ method }) => method === 'GET'),
    mostUnder: () => mostUnder,
  };
}
