import type { Connection } from 'mongoose';
import { PLAIN, pricingKeyOf, type ProductOf } from './contract.ts';
import { pricingCollection, type StoredPricing } from './model.ts';
import type { PricingState } from './pricing.ts';
import type { StrategyView, SupermarketView } from './shapes.ts';
import { createSources } from './sources.ts';
import { storedAnswerTo } from '#shared/entity/stores/mongo-store.ts';
import type { Currency } from '#services/money.ts';
import type { Page, PageQuery } from '#shared/web/cursors.ts';

export interface PricingQueries {
  /** `undefined`: it never had a strategy. */
  strategies(product: ProductOf): Promise<StrategyView | undefined>;
  /** Products that have or had a strategy, by supermarket and SKU; of one SKU, or of one supermarket, alone if named. */
  list(query: PageQuery & Partial<ProductOf>): Promise<Page<StrategyView>>;
  /** Those that have anything of their own, by id. */
  supermarkets(query: PageQuery): Promise<Page<SupermarketView>>;
  /** The supermarket's own prices, by SKU. */
  prices(supermarketId: string, query: PageQuery): Promise<Page<PricedProduct>>;
  /** In which currency it sells: that of its own prices; `undefined`: it has none. */
  currencyOf(supermarketId: string): Promise<Currency | undefined>;
  /** The answer to a command; `undefined`: not handled yet. */
  outcome(key: string, messageId: string): Promise<{ readonly type: string; readonly body: unknown } | undefined>;
}

export type PricedProduct = Required<Pick<PricingState, 'sku' | 'price'>>;

/** Texts that one page shows at most, in bytes; the page ends there. */
const PAGE_BYTES = 4 * 1024 * 1024;

/** Read-only queries on prices and strategies. */
export function pricingView(db: Connection): PricingQueries {
  const products = () => db.collection<StoredPricing>(pricingCollection);
  const sources = createSources(db);
  const find = async (filter: object, limit: number): Promise<readonly StoredPricing[]> =>
    products()
      .find(filter as never, { projection: { state: 1 } })
      .sort({ _id: 1 })
      .limit(limit)
      .toArray();

  async function shown(state: PricingState): Promise<StrategyView> {
    const texts = await sources.read(state.versions.map(({ version }) => version));
    return strategyViewOf(state, texts);
  }

  return {
    async strategies(product) {
      const [found] = await find({ _id: pricingKeyOf(product) }, 1);
      return found?.state === undefined || found.state.versions.length === 0 ? undefined : shown(found.state);
    },
    async list({ limit, cursor, supermarketId, sku }) {
      const found = await find(
        {
          ...(cursor !== undefined && { _id: { $gt: cursor } }),
          ...(supermarketId !== undefined && { 'state.supermarketId': supermarketId }),
          ...(sku !== undefined && { 'state.sku': sku }),
          'state.versions.0': { $exists: true },
        },
        limit + 1,
      );
      const items: StrategyView[] = [];
      let bytes = 0;
      for (const { state } of found.slice(0, limit)) {
        if (state === undefined) continue;
        const one = await shown(state);
        items.push(one);
        bytes += one.versions.reduce((sum, { source = '' }) => sum + source.length, 0);
        if (bytes > PAGE_BYTES) break;
      }
      const last = items.at(-1);
      return found.length > items.length && last !== undefined ? { items, nextCursor: pricingKeyOf(last) } : { items };
    },
    async supermarkets({ limit, cursor }) {
      const items: SupermarketView[] = [];
      // From one to the next through the index: however much one has of its own, it is one step.
      for (let after = cursor ?? ''; items.length <= limit; after = items.at(-1)!.id) {
        const [next] = await products()
          .find({ 'state.supermarketId': { $gt: after } } as never, { projection: { state: 1 } })
          .sort({ 'state.supermarketId': 1 })
          .limit(1)
          .toArray();
        const id = next?.state?.supermarketId;
        if (id === undefined) return { items };
        const currency = await currencyOf(id);
        items.push({ id, ...(currency !== undefined && { currency }) });
      }
      return { items: items.slice(0, limit), nextCursor: items[limit - 1]!.id };
    },
    async prices(supermarketId, { limit, cursor }) {
      const found = await find(
        {
          ...(cursor !== undefined && { _id: { $gt: pricingKeyOf({ supermarketId, sku: cursor }) } }),
          'state.supermarketId': supermarketId,
          'state.price': { $exists: true },
        },
        limit + 1,
      );
      const page = found.slice(0, limit).flatMap(({ state }) => {
        const { sku, price } = state ?? {};
        return sku === undefined || price === undefined ? [] : [{ sku, price }];
      });
      return found.length > limit ? { items: page, nextCursor: page.at(-1)?.sku } : { items: page };
    },
    currencyOf,
    outcome: (key, messageId) => storedAnswerTo(db, pricingCollection, key, messageId),
  };

  async function currencyOf(supermarketId: string): Promise<Currency | undefined> {
    const filter = { 'state.supermarketId': supermarketId, 'state.price': { $exists: true } };
    const [found] = await find(filter, 1);
    return found?.state?.price?.currency;
  }
}

function strategyViewOf(
  { supermarketId, sku, active = PLAIN, versions }: PricingState,
  texts: ReadonlyMap<string, string>,
): StrategyView {
  return {
    sku,
    ...(supermarketId !== undefined && { supermarket: supermarketId }),
    active: { name: active.name, version: active.version },
    versions: versions.map(({ name, version, since, by }) => {
      const source = texts.get(version);
      return {
        name,
        version,
        isActive: version === active.version,
        since: new Date(since).toISOString(),
        by,
        ...(source !== undefined && { source }),
      };
    }),
  };
}
