import test from 'ava';
import { BUY_ONE_GET_ONE, openMarket, type Priced } from './market.ts';
import { basketEntity } from '#services/basket/basket.ts';
import { setItem } from '#services/basket/contract.ts';
import { runEntity } from '#test/support/run-entity.ts';
import type { OrderView } from '#services/order/view.ts';

async function stocked() {
  const market = await openMarket();
  for (const sku of ['GR1', 'MF1']) {
    const product = { sku, name: sku, price: { amount: 400, currency: 'EUR' }, initialStock: 100 };
    await market.door.answered('POST', '/v1/products', { body: product });
  }
  await market.priceIn('north', 'GR1', 311);
  await market.priceIn('south', 'GR1', 311);
  const version = await market.strategyIn('north', 'GR1', BUY_ONE_GET_ONE);
  const put = (owner: string, sku: string, quantity: number, as?: string) =>
    market.door.answered('PUT', `/v1/baskets/${owner}/items/${sku}`, { body: { quantity }, ...(as && { as }) });
  const read = async (owner: string) => (await market.door.answered<Priced>('GET', `/v1/baskets/${owner}`)).body;
  return { ...market, version, put, read };
}

test('what was put into a basket is in it, and in nobody else’s', async (t) => {
  const { put, read, door } = await stocked();
  t.is((await put('north/alice', 'GR1', 3, 'alice')).status, 200);
  t.is((await put('north/alice', 'MF1', 1)).status, 200);
  t.is((await put('north/bob', 'MF1', 2, 'bob')).status, 200);
  t.is((await put('south/alice', 'GR1', 4)).status, 200);
  t.is((await put('north/bob', 'MF1', 9, 'alice')).status, 403);
  t.like(await read('north/alice'), { total: { amount: 1022 }, supermarketId: 'north', userId: 'alice' });
  t.like(await read('north/bob'), { total: { amount: 800 } });
  t.like(await read('south/alice'), { total: { amount: 1244 } });
  t.is((await put('north/alice', 'GR1', 1)).status, 200);
  t.is((await door.answered('DELETE', '/v1/baskets/north/alice/items/MF1')).status, 204);
  t.like(await read('north/alice'), { total: { amount: 311 } });
  t.is((await door.answered('DELETE', '/v1/baskets/north/alice')).status, 204);
  t.like(await read('north/alice'), { total: { amount: 0 }, lines: [] });
  t.like(await read('south/alice'), { total: { amount: 1244 } });
  t.is((await put('north/alice', 'nothing', 1)).status, 422);
});

test('a hundred products fit into a basket, one more does not', async (t) => {
  const one = runEntity(basketEntity);
  const owner = { supermarketId: 'north', userId: 'alice' };
  for (let n = 0; n < 100; n += 1)
    t.is((await one.tell(setItem, { ...owner, sku: `P${n}`, quantity: 1 })).type, 'basket.changed');
  t.like(await one.tell(setItem, { ...owner, sku: 'P100', quantity: 1 }), { body: { reason: 'too_many_items' } });
  t.is((await one.tell(setItem, { ...owner, sku: 'P0', quantity: 2 })).type, 'basket.changed');
  t.is(one.state!.items.length, 100);
});

test('an order from a basket is charged what the basket showed, whatever is swapped afterwards, and empties it', async (t) => {
  const { put, read, door, town, version, strategyIn, priceIn } = await stocked();
  await door.answered('POST', '/v1/wallets/alice/top-ups', { body: { amount: 5000, currency: 'EUR' } });
  await put('north/alice', 'GR1', 3);
  await put('north/alice', 'MF1', 1);
  const shown = await read('north/alice');
  const path = '/v1/baskets/north/alice/checkout';
  const asked = { as: 'alice', key: 'k', body: { email: 'alice@example.org' } };
  const accepted = await door.answered<OrderView>('POST', path, asked);
  t.is(accepted.status, 202, JSON.stringify(accepted.body));
  t.deepEqual(accepted.body.total, shown.total);
  await priceIn('north', 'GR1', 9999);
  await strategyIn('north', 'GR1', 'export default ({ quantity, price }) => quantity * price;');
  await town.clock.advance(3000);
  const order = await door.answered<OrderView>('GET', accepted.headers!['Location']!, { as: 'alice' });
  t.is(order.body.status, 'completed');
  t.deepEqual(order.body.total, { amount: 1022, currency: 'EUR' });
  t.like(order.body.items[0], { sku: 'GR1', amount: 622, pricedBy: version });
  t.like((await door.answered('GET', '/v1/wallets/alice')).body, { available: { amount: 3978, currency: 'EUR' } });
  t.like(await read('north/alice'), { total: { amount: 0 }, lines: [] });
  const again = await door.answered<OrderView>('POST', path, asked);
  t.is(again.body.id, accepted.body.id);
  const empty = await door.answered('POST', path, { ...asked, key: 'other' });
  t.is(empty.status, 409);
  t.is((await door.answered('POST', path, { ...asked, as: 'bob', key: 'b' })).status, 403);
});

test('a basket with more priced lines than an order has room for is refused, keeps all, and is ordered when some are taken out', async (t) => {
  const { put, read, door, strategyIn, priceIn } = await stocked();
  await door.answered('POST', '/v1/wallets/alice/top-ups', { body: { amount: 50_000, currency: 'EUR' } });
  // Each line that a strategy priced takes the room of two.
  const skus = Array.from({ length: 51 }, (_, n) => `P${n}`);
  for (const sku of skus) {
    await priceIn('north', sku, 100);
    await strategyIn('north', sku, BUY_ONE_GET_ONE);
    t.is((await put('north/alice', sku, 2)).status, 200);
  }
  const path = '/v1/baskets/north/alice/checkout';
  const asked = { as: 'alice', key: 'large', body: { email: 'alice@example.org' } };
  const refused = await door.answered<{ detail: string }>('POST', path, asked);
  t.is(refused.status, 409);
  t.like(refused.body, { type: '/problems/invalid-transition', reason: 'too_many_strategies' });
  t.regex(refused.body.detail, /51 lines, 51 of them with strategies, are too many for one order/);
  t.like(await read('north/alice'), { total: { amount: 5100 }, lines: { length: 51 } });
  t.is((await door.answered('DELETE', '/v1/baskets/north/alice/items/P50')).status, 204);
  const ordered = await door.answered<OrderView>('POST', path, asked);
  t.is(ordered.status, 202, JSON.stringify(ordered.body));
  t.like(ordered.body, { total: { amount: 5000, currency: 'EUR' } });
  t.like(await read('north/alice'), { lines: [] });
});
