import { forEach, settled } from './asking.ts';
import type { Shelved } from './goods.ts';
import type { ApiAnswer, Api } from '#local/commands/api.ts';
import type { Good } from '#local/stack/demo-catalogue.ts';
import { Trouble } from '#local/stack/trouble.ts';
import type { Clock } from '#shared/clock.ts';

export interface Shelves {
  readonly api: Pick<Api, 'get' | 'post'>;
  readonly clock: Clock;
  /** Begins the Idempotency-Keys. */
  readonly run: string;
}

interface Product {
  readonly price: Good['price'];
}
interface StockItem {
  readonly available: number;
}

/**
 * Puts goods into the catalogue with their stock. One that is there stays as it is, and is filled up when little of it is left. Resolves
 * with what each costs. @throws {Trouble}
 */
export async function stockShelves(
  { api, clock, run }: Shelves,
  goods: readonly Shelved[],
): Promise<ReadonlyMap<string, Good['price']>> {
  const prices = new Map<string, Good['price']>();

  async function fill({ sku, initialStock, least = initialStock / 10 }: Shelved): Promise<void> {
    const what = `${sku} could not be put into stock`;
    const item = `/v1/stock/${encodeURIComponent(sku)}`;
    const { status, body } = await settled(what, clock, () => api.get<StockItem>(item));
    if (status !== 200 || body.available >= least) return;
    const delta = Math.max(initialStock, least) - body.available;
    const key = { 'idempotency-key': `${run}-fill-${encodeURIComponent(sku)}-${body.available}` };
    const ask = () => api.post(`${item}/adjustments`, { delta, reason: 'shelves filled up' }, key);
    const adjusted = await settled(what, clock, ask);
    if (adjusted.status >= 300) throw new Trouble(`${what}: ${adjusted.status} ${JSON.stringify(adjusted.body)}`);
  }

  await forEach(goods, async (good) => {
    const what = `${good.sku} could not be put into the catalogue`;
    const { least = 0, ...described } = good;
    const product = { ...described, initialStock: Math.max(described.initialStock, least) };
    const { status, body } = await settled(what, clock, () => api.post<Product>('/v1/products', product));
    if (status !== 201 && status !== 202 && status !== 409)
      throw new Trouble(`${what}: ${status} ${JSON.stringify(body)}`);
    const where = `/v1/products/${encodeURIComponent(good.sku)}`;
    const found = status === 201 ? { body } : await settled(what, clock, () => api.get<Product>(where), isFound);
    prices.set(good.sku, found.body.price);
    if (status === 409) await fill(good);
  });
  return prices;
}

function isFound({ status }: ApiAnswer<unknown>): boolean {
  return status === 200;
}
