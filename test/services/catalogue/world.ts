/** The door over products in memory: each command is handled by the entity as soon as the broker has it. */
import { productEntity, type ProductState } from '#services/catalogue/product.ts';
import { endOf, shown, type ProductQueries } from '#services/catalogue/view.ts';
import { type EntityAnswer, runOf } from '#shared/entity/entity.ts';
import type { Message } from '#shared/message.ts';
import { type CallOptions, startWorld } from '#test/services/gateway/world.ts';

export async function catalogueWorld() {
  const states = new Map<string, ProductState>();
  const outcomes = new Map<string, EntityAnswer | undefined>();
  const stocks = new Map<string, { readonly onHand: number }>();
  let isWorking = true;
  /** What the stock says when it is asked to close an item; by default that it is closed. */
  let reserved: { readonly reserved: number; readonly openOrders: number } | undefined;

  async function handle(message: Message): Promise<void> {
    const handler = productEntity.handlers.find(({ type }) => type.name === message.type)!;
    const signal = () => new AbortController().signal;
    const run = runOf({ route: 'catalogue', message, now: Date.now(), attempt: 1, unwritten: [], signal });
    const { state, send = [] } = await handler.handle(states.get(message.key), message.body, run.context);
    states.set(message.key, state);
    outcomes.set(message.id, run.answered());
    for (const one of send) if (one?.message.type.startsWith('stock.')) await answered(one.message);
  }

  async function answered({ id, type, key: sku, body }: Message): Promise<void> {
    if (type === 'stock.open') stocks.set(sku, { onHand: (body as { quantity: number }).quantity });
    else if (reserved === undefined) stocks.delete(sku);
    const [answer, said] =
      type === 'stock.open'
        ? ['stock.opened', {}]
        : reserved === undefined
          ? ['stock.closed', {}]
          : ['stock.close-refused', reserved];
    await handle({
      id: `${id}>${answer}`,
      type: answer,
      key: sku,
      body: { sku, ...said },
      correlationId: id,
      causationId: id,
    });
  }

  const view: ProductQueries = {
    async find(sku) {
      const state = states.get(sku);
      return state && shown(state);
    },
    async list({ q, limit, cursor }) {
      const all = [...states.values()]
        .flatMap((state) => shown(state) ?? [])
        .filter(({ name }) => name.startsWith(q ?? ''));
      const rest = all
        .toSorted((a, b) => (a.sku < b.sku ? -1 : 1))
        .filter(({ sku }) => cursor === undefined || sku > cursor);
      const items = rest.slice(0, limit);
      return { items, ...(rest.length > limit && { nextCursor: items.at(-1)!.sku }) };
    },
    categoriesOf: async (skus) =>
      new Map(
        skus.flatMap((sku) => {
          const state = states.get(sku);
          return state === undefined || state.status === 'deleted' ? [] : [[sku, state.categories ?? []]];
        }),
      ),
    offered: async () => [],
    outcome: async (_, messageId) => outcomes.get(messageId),
    async deletion(sku, deletion) {
      const state = states.get(sku);
      return state && endOf(state, deletion);
    },
  };

  const world = await startWorld({
    views: { catalogue: view, stock: { item: async (sku: string) => stocks.get(sku) } },
    bus: {
      async publish(exchange, packet) {
        await world.bus.publish(exchange, packet);
        if (isWorking) await handle(world.bus.published.at(-1)!.message);
      },
    },
  });
  const as = { as: 'ops', role: 'operator' } as const;
  return {
    ...world,
    states,
    stocks,
    /** From now on commands wait. */
    stall: () => (isWorking = false),
    reserve: (held: typeof reserved) => (reserved = held),
    create: (body: object = {}, options: CallOptions = {}) =>
      world.call('POST', '/v1/products', { ...as, body: { ...aProduct, ...body }, ...options }),
    get: (path: string, options: CallOptions = {}) =>
      world.call('GET', `/v1/products${path}`, { as: 'alice', ...options }),
    put: (sku: string, etag: string | undefined, body: object = {}, options: CallOptions = {}) =>
      world.call('PUT', `/v1/products/${encodeURIComponent(sku)}`, {
        ...as,
        body: { name: 'Tea', price: aProduct.price, ...body },
        ...(etag !== undefined && { headers: { 'if-match': etag } }),
        ...options,
      }),
    remove: (sku: string, etag: string | undefined, options: CallOptions = {}) =>
      world.call('DELETE', `/v1/products/${encodeURIComponent(sku)}`, {
        ...as,
        ...(etag !== undefined && { headers: { 'if-match': etag } }),
        ...options,
      }),
  };
}

export const aProduct = { sku: 'tea', name: 'Tea', description: 'Black.', price: { amount: 899, currency: 'EUR' } };
