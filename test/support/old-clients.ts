/** Clients that know nothing of categories: they order, and keep the catalogue. Every answer that they should not get is written down. */
import { orderBody } from './place.ts';
import { systemClock } from '#shared/clock.ts';

export interface OldClients {
  /** Ids of orders that were accepted. */
  readonly orders: readonly string[];
  /** How many answers they got. */
  readonly answers: number;
  /** Resolves with what went wrong. */
  stop(): Promise<readonly string[]>;
}

export function startOldClients(apiUrl: string, token: string, label: string): OldClients {
  const orders: string[] = [];
  const wrong: string[] = [];
  let answers = 0;
  let isOver = false;

  async function call(method: string, path: string, body?: unknown, headers: Readonly<Record<string, string>> = {}) {
    try {
      const response = await fetch(`${apiUrl}${path}`, {
        method,
        headers: {
          authorization: `Bearer ${token}`,
          ...(body !== undefined && { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(body !== undefined && { body: JSON.stringify(body) }),
        signal: AbortSignal.timeout(30_000),
      });
      answers += 1;
      const text = await response.text();
      if (!response.ok) wrong.push(`${label}: ${method} ${path} answered ${response.status} ${text}`);
      const told = text === '' ? {} : (JSON.parse(text) as Record<string, unknown>);
      return { status: response.status, etag: response.headers.get('etag') ?? '', body: told };
    } catch (error) {
      wrong.push(`${label}: ${method} ${path} failed: ${String(error)}`);
      return { status: 0, etag: '', body: {} as Record<string, unknown> };
    }
  }

  async function ordering(): Promise<void> {
    while (!isOver) {
      const { status, body } = await call('POST', '/v1/orders', orderBody({ customerId: 'old-client' }), {
        'idempotency-key': systemClock.id(),
      });
      if (status === 202) orders.push(String(body['id']));
      await systemClock.sleep(100);
    }
  }

  async function keeping(): Promise<void> {
    for (let n = 0; !isOver; n += 1) {
      const sku = `${label}-${n}`;
      const content = { name: `Good ${n}`, price: { amount: 100 + n, currency: 'EUR' } };
      const made = await call('POST', '/v1/products', { sku, ...content });
      await call('GET', '/v1/products?limit=5&q=good');
      if (made.status === 201) {
        const { etag, body } = await call('GET', `/v1/products/${sku}`);
        if (body['name'] !== content.name) wrong.push(`${label}: ${sku} is ${JSON.stringify(body)}`);
        await call('PUT', `/v1/products/${sku}`, { ...content, name: `Better ${n}` }, { 'if-match': etag });
      }
      await systemClock.sleep(50);
    }
  }

  const running = Promise.all([ordering(), keeping()]);
  return {
    orders,
    get answers() {
      return answers;
    },
    async stop() {
      isOver = true;
      await running;
      return wrong;
    },
  };
}
