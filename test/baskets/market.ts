/** A town with supermarkets, for whoever tests what baskets cost there. */
import { createDoor, type TownDoor } from '#test/town/door.ts';
import { startTown, type Town, type TownOptions } from '#test/town/town.ts';

export const BUY_ONE_GET_ONE = 'export default ({ quantity, price }) => Math.ceil(quantity / 2) * price;';

export interface Line {
  readonly sku: string;
  readonly quantity: number;
  readonly unitPrice: { readonly amount: number; readonly currency: string };
  readonly amount: number;
  readonly strategy: { readonly name: string; readonly version: string };
}
export interface Priced {
  readonly total: { readonly amount: number; readonly currency: string };
  readonly lines: readonly Line[];
  readonly traceId: string;
}

export interface Market {
  readonly town: Town;
  readonly door: TownDoor;
  priceIn(supermarket: string, sku: string, amount: number, currency?: string): Promise<void>;
  /** Returns the version. */
  strategyIn(supermarket: string | undefined, sku: string, source: string): Promise<string>;
  price(
    supermarketId: string | number,
    userId: string | number,
    items: readonly unknown[],
  ): ReturnType<TownDoor['answered']>;
}

export async function openMarket(options: TownOptions = {}): Promise<Market> {
  const town = await startTown(options);
  const door = createDoor(town);
  return {
    town,
    door,
    async priceIn(supermarket, sku, amount, currency = 'EUR') {
      const path = `/v1/supermarkets/${encodeURIComponent(supermarket)}/prices/${encodeURIComponent(sku)}`;
      const { status, body } = await door.answered('PUT', path, { body: { amount, currency } });
      if (status !== 200) throw new Error(`${path}: ${status} ${JSON.stringify(body)}`);
    },
    async strategyIn(supermarket, sku, source) {
      const where = supermarket === undefined ? '' : `?supermarket=${encodeURIComponent(supermarket)}`;
      const path = `/v1/pricing/strategies/${encodeURIComponent(sku)}${where}`;
      const { status, body } = await door.answered<{ readonly version: string }>('PUT', path, { body: { source } });
      if (status !== 201 && status !== 200) throw new Error(`${path}: ${status} ${JSON.stringify(body)}`);
      return body.version;
    },
    price: (supermarketId, userId, items) =>
      door.answered('POST', '/v1/baskets/price', { body: { supermarketId, userId, items } }),
  };
}
